import { Component, onWillUnmount, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const { DateTime } = luxon;

/**
 * One clock for all countdowns of a screen: lists have hundreds of them.
 */
const clock = { listeners: new Set(), timer: null };

export function useNow() {
    const state = useState({ now: DateTime.now() });
    const tick = (now) => (state.now = now);
    clock.listeners.add(tick);
    clock.timer ??= setInterval(() => {
        const now = DateTime.now();
        clock.listeners.forEach((listener) => listener(now));
    }, 15000);
    onWillUnmount(() => {
        clock.listeners.delete(tick);
        if (!clock.listeners.size) {
            clearInterval(clock.timer);
            clock.timer = null;
        }
    });
    return state;
}

/**
 * Say how much time is left until a deadline: the text says what the colour says.
 *
 * @param {luxon.DateTime|null} deadline
 * @param {luxon.DateTime} now
 * @param {boolean} waiting the customer is waited for: no time runs, unless something is due all the same
 * @returns {{text: string, kind: "none"|"paused"|"late"|"soon"|"left"}}
 */
export function countdown(deadline, now, waiting) {
    if (!deadline) {
        return waiting
            ? { text: _t("Paused, waiting"), kind: "paused" }
            : { text: "", kind: "none" };
    }
    const minutes = Math.floor(Math.abs(deadline.diff(now, "minutes").minutes));
    const days = Math.floor(minutes / 1440);
    const hours = Math.floor((minutes % 1440) / 60);
    let time = _t("%(minutes)s min", { minutes: minutes % 60 });
    if (days) {
        time = _t("%(days)s d %(hours)s h", { days, hours });
    } else if (hours) {
        time = _t("%(hours)s h %(minutes)s min", { hours, minutes: minutes % 60 });
    }
    if (deadline < now) {
        return { text: _t("%(time)s late", { time }), kind: "late" };
    }
    return { text: _t("%(time)s left", { time }), kind: minutes < 60 ? "soon" : "left" };
}

export const COUNTDOWN_CLASS = {
    none: "",
    paused: "text-muted fst-italic",
    late: "text-danger fw-bold",
    soon: "text-warning-emphasis fw-bold",
    left: "",
};

/**
 * A deadline as the time that is left, live. "Paused" while the record waits for the customer (its field `category`).
 */
export class CountdownField extends Component {
    static template = "retail_crm.CountdownField";
    static props = { ...standardFieldProps };

    setup() {
        this.clock = useNow();
    }

    get value() {
        return this.props.record.data[this.props.name];
    }

    get state() {
        return countdown(this.value, this.clock.now, this.props.record.data.category === "waiting");
    }

    get className() {
        return COUNTDOWN_CLASS[this.state.kind];
    }

    get moment() {
        return this.value ? this.value.toLocaleString(DateTime.DATETIME_SHORT) : "";
    }
}

export const countdownField = {
    component: CountdownField,
    displayName: _t("Countdown"),
    supportedTypes: ["datetime"],
    fieldDependencies: [{ name: "category", type: "selection" }],
};

registry.category("fields").add("retail_countdown", countdownField);
