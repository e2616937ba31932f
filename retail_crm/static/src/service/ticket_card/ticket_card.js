import { Component, onMounted, toRaw, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/**
 * Questions that are under way: a form may be built twice before it stays, and asks only once.
 */
const running = new Map();

function ask(orm, method, args) {
    const key = JSON.stringify([method, args]);
    if (!running.has(key)) {
        const answer = orm.silent.call("retail.ticket", method, args);
        running.set(
            key,
            answer.finally(() => running.delete(key))
        );
    }
    return running.get(key);
}

/**
 * A part of a ticket's form that the form does not wait for: it asks by itself when it is shown, when another customer
 * is chosen, and when the ticket was read again. Who may see what is the server's business.
 */
class LoadedLater extends Component {
    static props = { ...standardWidgetProps };
    static method = "";

    setup() {
        this.action = useService("action");
        this.keepLast = new KeepLast();
        this.state = useState({ status: "empty", data: null });
        this.isShown = false;
        onMounted(() => {
            this.isShown = true;
            this.load();
        });
        useRecordObserver((record) => {
            const { partner_id, company_id, type_id } = record.data;
            const chosen = {
                partner_id: partner_id?.id || false,
                company_id: company_id?.id || false,
                type_id: type_id?.id || false,
            };
            const key = JSON.stringify([record.resId, chosen.partner_id]);
            const isOther = key !== this.key;
            const isChanged = JSON.stringify(chosen) !== JSON.stringify(this.chosen);
            // the values are an object of their own whenever they were read
            const values = toRaw(record.data);
            if (isOther || isChanged || values !== this.values) {
                Object.assign(this, { key, chosen, values, resId: record.resId });
                this.load(isOther);
            }
        });
    }

    /**
     * @param {boolean} isOther what is shown is of another customer: do not leave it there
     */
    async load(isOther = true) {
        if (!this.resId && !this.chosen.partner_id) {
            this.keepLast.add(Promise.resolve());
            Object.assign(this.state, { status: "empty", data: null });
            return;
        }
        if (isOther || this.state.status !== "shown") {
            Object.assign(this.state, { status: "loading", data: null });
        }
        if (!this.isShown) {
            return;
        }
        const ids = this.resId ? [this.resId] : [];
        // not the service of this component: what it asks would never be answered once it is gone
        const { orm } = this.env.services;
        try {
            const data = await this.keepLast.add(
                ask(orm, this.constructor.method, [ids, this.chosen])
            );
            Object.assign(this.state, { status: "shown", data });
        } catch {
            Object.assign(this.state, { status: "failed", data: null });
        }
    }
}

/**
 * The customer at a glance, and whether the ticket may be there twice.
 */
export class TicketCard extends LoadedLater {
    static template = "retail_crm.TicketCard";
    static method = "action_card";
    static noteClass = {
        plain: "",
        file: "",
        warning: "text-warning-emphasis",
        danger: "text-danger-emphasis",
    };

    get hasCard() {
        return this.state.data.tiles.length || this.state.data.notes.length;
    }

    noteClass(note) {
        return this.constructor.noteClass[note.look];
    }

    async compare() {
        const { record } = this.props;
        if (await record.save()) {
            await this.action.doActionButton({
                type: "object",
                name: "action_merge",
                resModel: record.resModel,
                resId: record.resId,
                resIds: [record.resId],
                context: record.context,
                onClose: () => record.load(),
            });
        }
    }
}

/**
 * What the customer asked and bought before: loaded when its page is opened.
 */
export class TicketHistory extends LoadedLater {
    static template = "retail_crm.TicketHistory";
    static method = "action_history";

    open(table, row) {
        this.action.doAction({
            type: "ir.actions.act_window",
            res_model: table.model,
            res_id: row.id,
            views: [[false, "form"]],
        });
    }
}

registry.category("view_widgets").add("retail_ticket_card", { component: TicketCard });
registry.category("view_widgets").add("retail_ticket_history", { component: TicketHistory });
