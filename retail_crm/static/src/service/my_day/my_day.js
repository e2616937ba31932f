import { Component, onWillStart, onWillUnmount, useState } from "@odoo/owl";
import { deserializeDateTime } from "@web/core/l10n/dates";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

import { COUNTDOWN_CLASS, countdown, useNow } from "../countdown/countdown";

const EVERY = 120000;

/**
 * What an employee has to do today, on one screen. The server says what there is (`retail.my.day`); here it is shown.
 */
export class MyDay extends Component {
    static template = "retail_crm.MyDay";
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.clock = useNow();
        this.state = useState({ data: null, loading: false });
        onWillStart(() => this.load());
        this.timer = setInterval(() => {
            if (!document.hidden) {
                this.load(true);
            }
        }, EVERY);
        onWillUnmount(() => clearInterval(this.timer));
    }

    async load(silent = false) {
        this.state.loading = true;
        try {
            const orm = silent ? this.orm.silent : this.orm;
            this.state.data = await orm.call("retail.my.day", "action_load", []);
        } catch (error) {
            if (!silent) {
                throw error;
            }
        } finally {
            this.state.loading = false;
        }
    }

    time(row) {
        const date = deserializeDateTime(row.date);
        const { text, kind } = countdown(row.date ? date : null, this.clock.now, row.paused);
        return {
            text,
            className: COUNTDOWN_CLASS[kind],
            moment: row.date ? date.toLocaleString(luxon.DateTime.DATETIME_SHORT) : "",
        };
    }

    async togglePause() {
        await this.orm.call("res.users", "action_retail_pause", []);
        await this.load();
    }

    openAction(action) {
        if (action) {
            this.action.doAction(action);
        }
    }

    openRow(row) {
        this.action.doAction({
            type: "ir.actions.act_window",
            res_model: row.model,
            res_id: row.id,
            views: [[false, "form"]],
        });
    }
}

registry.category("actions").add("retail_my_day", MyDay);
