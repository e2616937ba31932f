// Run by ./dev lint, which keeps the node tools outside the checkout and names their folder.
import { createRequire } from "node:module";

const require = createRequire(`${process.env.RETAIL_CRM_NODE}/`);
const globals = require("globals");

export default [
    {
        files: ["retail_crm*/static/**/*.js"],
        languageOptions: {
            ecmaVersion: 2023,
            sourceType: "module",
            globals: { ...globals.browser, odoo: "readonly", owl: "readonly", luxon: "readonly" },
        },
        rules: {
            "no-undef": "error",
            "no-unused-vars": "error",
            "no-console": "error",
        },
    },
];
