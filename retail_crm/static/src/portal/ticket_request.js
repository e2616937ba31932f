import { Interaction } from "@web/public/interaction";
import { registry } from "@web/core/registry";
import { rpc } from "@web/core/network/rpc";

/** Pause in typing after which answers are looked for, in milliseconds. */
const PAUSE = 500;

/**
 * The form of a new request: shows the questions of the chosen type and offers answers of the FAQ while the customer
 * types. The form works without it, too.
 */
export class TicketRequest extends Interaction {
    static selector = ".o_retail_request";
    dynamicContent = {
        "select[name=type]": { "t-on-change": this.onTypeChange },
        "input[name=subject]": { "t-on-input": this.debounced(this.suggest, PAUSE) },
        "textarea[name=text]": { "t-on-input": this.debounced(this.suggest, PAUSE) },
        _root: { "t-on-submit": this.onSubmit },
    };

    start() {
        this.onTypeChange();
    }

    get chosen() {
        return this.el.querySelector("select[name=type]").selectedOptions[0];
    }

    onTypeChange() {
        const kind = this.chosen?.dataset.kind || "";
        for (const part of this.el.querySelectorAll("[data-only]")) {
            part.classList.toggle("d-none", part.dataset.only !== kind);
        }
    }

    onSubmit() {
        const button = this.el.querySelector("button[type=submit]");
        this.waitForTimeout(() => (button.disabled = true), 0);
    }

    async suggest() {
        const value = (name) => this.el.querySelector(`[name=${name}]`).value;
        const list = this.el.querySelector(".o_retail_suggestions");
        const articles = await this.waitFor(
            rpc("/faq/suggest", {
                text: `${value("subject")} ${value("text")}`,
                type_id: Number(this.chosen?.value) || null,
            })
        );
        list.classList.toggle("d-none", !articles.length);
        list.querySelector("ul").replaceChildren(
            ...articles.map((article) => {
                const item = document.createElement("li");
                const link = document.createElement("a");
                link.href = article.url;
                link.target = "_blank";
                link.textContent = article.question;
                item.append(link);
                return item;
            })
        );
    }
}

registry.category("public.interactions").add("retail_crm.ticket_request", TicketRequest);
