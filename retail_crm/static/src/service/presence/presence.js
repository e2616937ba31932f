import { Component, onWillStart, onWillUnmount, onWillUpdateProps, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const EVERY = 30000;

/**
 * Says who else has the ticket open, is answering or has just written. Reports the same about the user, every 30
 * seconds while the form is open and visible. Never locks anything, and never disturbs when the server does not answer.
 */
export class TicketPresence extends Component {
    static template = "retail_crm.TicketPresence";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.store = useService("mail.store");
        this.state = useState({ lines: [] });
        onWillStart(() => {
            this.report(this.props.record.resId);
        });
        onWillUpdateProps((next) => {
            if (next.record.resId !== this.resId) {
                this.leave();
                this.report(next.record.resId);
            }
        });
        this.timer = setInterval(() => {
            if (!document.hidden) {
                this.report(this.resId);
            }
        }, EVERY);
        onWillUnmount(() => {
            clearInterval(this.timer);
            this.leave();
        });
    }

    get isWriting() {
        const thread = this.store.Thread?.get({ model: "retail.ticket", id: this.resId });
        return Boolean(thread?.composer?.composerText?.trim());
    }

    async report(resId) {
        this.resId = resId;
        if (!resId || this.props.record.resModel !== "retail.ticket") {
            this.state.lines = [];
            return;
        }
        try {
            const lines = await this.orm.silent.call("retail.ticket", "action_presence", [
                [resId],
                this.isWriting,
            ]);
            if (this.resId === resId) {
                this.state.lines = lines;
            }
        } catch {
            this.state.lines = [];
        }
    }

    leave() {
        if (this.resId) {
            this.orm.silent
                .call("retail.ticket", "action_presence", [[this.resId], false, true])
                .catch(() => {});
        }
    }
}

registry.category("view_widgets").add("retail_presence", { component: TicketPresence });
