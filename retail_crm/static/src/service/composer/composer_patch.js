import { Composer } from "@mail/core/common/composer";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { _t } from "@web/core/l10n/translation";
import { patch } from "@web/core/utils/patch";

/**
 * Answers to customers on tickets are read for phrases to avoid before they are sent; the writer may send them anyway.
 */
patch(Composer.prototype, {
    async sendMessage() {
        const thread = this.props.composer.thread;
        const isAnswer =
            thread?.model === "retail.ticket" &&
            this.props.type !== "note" &&
            !this.props.composer.message &&
            Boolean(this.env.services.orm);
        if (isAnswer && !(await this.retailConfirmed())) {
            return;
        }
        return super.sendMessage(...arguments);
    },

    /**
     * @returns {Promise<boolean>} whether the message may go
     */
    async retailConfirmed() {
        let warning = "";
        try {
            warning = await this.env.services.orm.silent.call("retail.phrase", "action_check", [
                this.props.composer.composerHtml.toString(),
            ]);
        } catch {
            // who may not read the list is not warned, but never kept from answering
        }
        if (!warning) {
            return true;
        }
        return new Promise((resolve) => {
            this.env.services.dialog.add(
                ConfirmationDialog,
                {
                    title: _t("Choose other words?"),
                    body: warning,
                    confirmLabel: _t("Send Anyway"),
                    cancelLabel: _t("Change It"),
                    confirm: () => resolve(true),
                    cancel: () => resolve(false),
                },
                { onClose: () => resolve(false) }
            );
        });
    },
});
