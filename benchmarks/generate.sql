-- A big shop: customers, confirmed orders of the three years until yesterday, lines of the newest
-- orders, and invoices with credit notes for some of them. Called by generate.py:
--   psql DB -v customers=1000000 -v orders=5000000 -v lines=1000000 -v returns=20000 -f generate.sql
-- 3 % of the customers are companies, 6 % are contacts of those, 30 % never buy; the number of
-- orders of a buyer and the amounts are lognormal. Dates depend on the day on which this runs.
\set ON_ERROR_STOP on
SET synchronous_commit = off;
SET maintenance_work_mem = '1GB';
SET work_mem = '256MB';
SET jit = off;
SET client_min_messages = warning;
SELECT setseed(0.19) \g /dev/null

-- Indexes and foreign keys are put aside and made again at the end: much faster, and still proven.
CREATE TEMP TABLE aside AS
SELECT 1 AS step, pg_get_indexdef(indexrelid) AS restore, format('DROP INDEX %s', indexrelid::regclass) AS remove
  FROM pg_index
 WHERE indrelid IN ('res_partner'::regclass, 'sale_order'::regclass, 'sale_order_line'::regclass)
   AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
 UNION ALL
SELECT 2, format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)),
       format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
  FROM pg_constraint
 WHERE contype = 'f'
   AND conrelid IN ('res_partner'::regclass, 'sale_order'::regclass, 'sale_order_line'::regclass);
SELECT remove FROM aside ORDER BY step DESC \gexec

CREATE FUNCTION pg_temp.bell() RETURNS float8 LANGUAGE sql VOLATILE AS
$$ SELECT sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) $$;

-- === CUSTOMERS: of each hundred three are companies and six their contacts ===

SELECT max(id) + 1 AS first_customer FROM res_partner \gset
SELECT id AS company, partner_id AS own_contact, currency_id AS currency FROM res_company ORDER BY id LIMIT 1 \gset
SELECT id AS country FROM res_country WHERE code = 'US' \gset

CREATE TEMP TABLE customer AS
SELECT n, :first_customer + n AS id, n % 100 < 3 AS is_company,
       CASE WHEN n % 100 BETWEEN 3 AND 8 THEN :first_customer + head / 3 * 100 + head % 3 END AS parent_id,
       CASE WHEN n % 100 < 3 THEN 'Company ' || n
            ELSE (ARRAY['Amira', 'Bela', 'Carlos', 'Dorothea', 'Esra', 'Finn', 'Gwen', 'Hui', 'Ivan', 'Joana'])[1 + n % 10]
                 || ' ' || initcap(translate(substr(md5(n::text), 1, 8), '0123456789', 'ghijklmnop')) END AS name
  FROM generate_series(0, :customers - 1) AS n,
       LATERAL (SELECT (n::bigint * 7919 % (:customers / 100 * 3))::int AS head) AS company;

INSERT INTO res_partner (id, name, complete_name, commercial_partner_id, parent_id, is_company, type, active,
       partner_share, lang, email, email_normalized, phone, street, zip, city, country_id, color, autopost_bills,
       customer_rank, supplier_rank, message_bounce, create_uid, write_uid, create_date, write_date)
SELECT c.id, c.name, concat_ws(', ', company.name, c.name), COALESCE(c.parent_id, c.id), c.parent_id, c.is_company,
       'contact', true, true, 'en_US', 'c' || c.n || '@shop.example', 'c' || c.n || '@shop.example',
       '+1 555 ' || lpad((c.n % 10000000)::text, 7, '0'), c.n % 1013 || ' High Street',
       lpad((c.n % 100000)::text, 5, '0'), 'Town ' || c.n % 907, :country, 0, 'ask', 1, 0, 0, 1, 1,
       CURRENT_DATE - 1095, CURRENT_DATE - 1095
  FROM customer AS c LEFT JOIN customer AS company ON company.id = c.parent_id
 ORDER BY c.n;
SELECT setval('res_partner_id_seq', max(id)) FROM res_partner \g /dev/null

-- === ORDERS: each buyer has one, the others are shared out by weight ===

CREATE TEMP TABLE buyer AS
SELECT id, born, least(1095, born - 700 * ln(1 - random())) AS gone,
       exp(1.1 * pg_temp.bell()) * CASE WHEN is_company THEN 3 ELSE 1 END AS weight
  FROM (SELECT *, CASE WHEN random() < 0.45 THEN 0 ELSE 1094 * random() END AS born
          FROM customer ORDER BY n) AS c
 WHERE random() < 0.7;

CREATE TEMP TABLE plan AS
SELECT id, born, gone, (1 + floor(upto * rest) - floor(COALESCE(lag(upto) OVER (ORDER BY id), 0) * rest))::int AS orders
  FROM (SELECT *, sum(weight) OVER (ORDER BY id) / sum(weight) OVER () AS upto, :orders - count(*) OVER () AS rest
          FROM buyer) AS shared;

INSERT INTO sale_order (id, name, company_id, partner_id, partner_invoice_id, partner_shipping_id, date_order,
       currency_id, currency_rate, user_id, team_id, state, invoice_status, amount_untaxed, amount_tax, amount_total,
       locked, require_signature, require_payment, prepayment_percent, create_uid, write_uid, create_date, write_date)
SELECT id, 'SO' || lpad(id::text, 8, '0'), :company, partner_id, partner_id, partner_id, date_order, :currency, 1, 2,
       teams[1 + id % cardinality(teams)], 'sale', 'no', untaxed, round(untaxed * 0.08, 2),
       untaxed + round(untaxed * 0.08, 2), false, false, false, 1, 2, 2, date_order, date_order
  FROM (SELECT row_number() OVER (ORDER BY date_order, partner_id) + COALESCE((SELECT max(id) FROM sale_order), 0) AS id,
               partner_id, date_order, untaxed
          FROM (SELECT plan.id AS partner_id, round(exp(3.4 + 0.85 * pg_temp.bell())::numeric, 2) AS untaxed,
                       CURRENT_DATE - 1095 + floor(born + (gone - born) * random())::int % 1095
                           + date_trunc('second', interval '13 hours' * (1 + random() * 0.6)) AS date_order
                  FROM plan, generate_series(1, plan.orders)) AS bought
         ORDER BY 1) AS o,
       (SELECT array_agg(id ORDER BY id) AS teams FROM crm_team WHERE name->>'en_US' LIKE 'Bench store %') AS team;
SELECT setval('sale_order_id_seq', max(id)) FROM sale_order \g /dev/null

INSERT INTO sale_order_line (order_id, name, product_id, product_uom_id, product_uom_qty, price_unit, customer_lead,
       sequence, company_id, currency_id, order_partner_id, salesman_id, state, invoice_status, qty_delivered_method,
       discount, price_subtotal, price_tax, price_total, price_reduce_taxexcl, price_reduce_taxinc, qty_delivered,
       qty_invoiced, qty_to_invoice, is_downpayment, is_expense, technical_price_unit, create_uid, write_uid,
       create_date, write_date)
SELECT o.id, 'Goods', products[1 + o.id % cardinality(products)], uom_id, 1, o.amount_untaxed, 0, 10, o.company_id,
       o.currency_id, o.partner_id, 2, 'sale', 'no', 'manual', 0, o.amount_untaxed, o.amount_tax, o.amount_total,
       o.amount_untaxed, o.amount_total, 0, 0, 1, false, false, o.amount_untaxed, 2, 2, o.create_date, o.create_date
  FROM sale_order AS o,
       (SELECT array_agg(product.id ORDER BY product.id) AS products, min(template.uom_id) AS uom_id
          FROM product_product AS product JOIN product_template AS template ON template.id = product_tmpl_id
         WHERE product.default_code LIKE 'BENCH%') AS goods
 WHERE o.id > (SELECT max(id) FROM sale_order) - :lines;

SELECT restore FROM aside ORDER BY step \gexec
ANALYZE res_partner, sale_order, sale_order_line;

-- === RETURNS: an invoice and its credit note; half of them take everything back ===

CREATE TEMP TABLE returned AS
SELECT row_number() OVER (ORDER BY line.id) AS n, line.id AS line_id, line.order_id, line.product_id,
       line.product_uom_id, line.price_subtotal AS sold, o.date_order::date AS date, o.partner_id,
       partner.commercial_partner_id, o.team_id,
       CASE WHEN random() < 0.5 THEN line.price_subtotal
            ELSE round(line.price_subtotal * (0.3 + 0.4 * random())::numeric, 2) END AS back
  FROM (SELECT * FROM sale_order_line ORDER BY md5(id::text) LIMIT :returns) AS line
  JOIN sale_order AS o ON o.id = line.order_id JOIN res_partner AS partner ON partner.id = o.partner_id;

SELECT COALESCE(max(id), 0) AS moves FROM account_move \gset
SELECT COALESCE(max(id), 0) AS items FROM account_move_line \gset
SELECT min(id) AS journal FROM account_journal WHERE type = 'sale' \gset
SELECT min(id) AS income FROM account_account WHERE account_type = 'income' \gset
SELECT min(id) AS receivable FROM account_account WHERE account_type = 'asset_receivable' \gset

CREATE TEMP TABLE document AS
SELECT returned.*, :moves + 2 * n - 1 AS move_id, NULL::int AS reversed_id, 'out_invoice' AS move_type,
       'INV/BENCH/' AS prefix, sold AS amount, 1 AS sign, date + 1 AS day FROM returned
 UNION ALL
SELECT returned.*, :moves + 2 * n, :moves + 2 * n - 1, 'out_refund', 'RINV/BENCH/', back, -1, date + 3 FROM returned;

INSERT INTO account_move (id, name, sequence_prefix, sequence_number, move_type, state, payment_state, date, invoice_date,
       invoice_date_due, journal_id, company_id, currency_id, partner_id, commercial_partner_id, partner_shipping_id,
       team_id, invoice_user_id, reversed_entry_id, auto_post, invoice_currency_rate, amount_untaxed, amount_tax,
       amount_total, amount_residual, amount_untaxed_signed, amount_total_signed, amount_residual_signed, posted_before,
       create_uid, write_uid, create_date, write_date)
SELECT move_id, prefix || lpad(n::text, 7, '0'), prefix, n, move_type, 'posted', 'not_paid', day, day, day, :journal,
       :company, :currency, partner_id, commercial_partner_id, partner_id, team_id, 2, reversed_id, 'no', 1, amount, 0,
       amount, amount, sign * amount, sign * amount, sign * amount, true, 2, 2, day, day
  FROM document ORDER BY move_id;

INSERT INTO account_move_line (id, move_id, move_name, parent_state, date, invoice_date, journal_id, company_id,
       company_currency_id, currency_id, partner_id, account_id, display_type, name, product_id, product_uom_id,
       quantity, price_unit, price_subtotal, price_total, balance, debit, credit, amount_currency, sequence,
       create_uid, write_uid, create_date, write_date)
SELECT :items + 2 * (move_id - :moves) - 1 + other, move_id, prefix || lpad(n::text, 7, '0'), 'posted', day, day, :journal,
       :company, :currency, :currency, partner_id, CASE other WHEN 0 THEN :income ELSE :receivable END,
       CASE other WHEN 0 THEN 'product' ELSE 'payment_term' END, 'Goods', CASE other WHEN 0 THEN product_id END,
       CASE other WHEN 0 THEN product_uom_id END, 1, CASE other WHEN 0 THEN amount ELSE value END,
       CASE other WHEN 0 THEN amount ELSE value END, CASE other WHEN 0 THEN amount ELSE value END, value,
       greatest(value, 0), greatest(-value, 0), value, 10, 2, 2, day, day
  FROM document, generate_series(0, 1) AS other,
       LATERAL (SELECT amount * sign * CASE other WHEN 0 THEN -1 ELSE 1 END AS value) AS booked;

INSERT INTO sale_order_line_invoice_rel (order_line_id, invoice_line_id)
SELECT line_id, :items + 2 * (move_id - :moves) - 1 FROM document;
SELECT setval('account_move_id_seq', max(id)) FROM account_move \g /dev/null
SELECT setval('account_move_line_id_seq', max(id)) FROM account_move_line \g /dev/null

VACUUM ANALYZE res_partner, sale_order, sale_order_line, account_move, account_move_line, sale_order_line_invoice_rel;
SELECT relname AS "table", reltuples::bigint AS "rows", pg_size_pretty(pg_table_size(oid)) AS heap,
       pg_size_pretty(pg_indexes_size(oid)) AS indexes
  FROM pg_class
 WHERE relname IN ('res_partner', 'sale_order', 'sale_order_line', 'account_move', 'account_move_line');
SELECT count(*) AS buyers, round(avg(n), 2) AS mean, round(stddev(n), 2) AS deviation, max(n) AS most
  FROM (SELECT partner_id, count(*) AS n FROM sale_order WHERE state = 'sale' GROUP BY 1) AS bought;
