// What is open, what differs, what is due: with the money, and a way to the documents.

import { get } from '../api.js';
import { action, fill, h, save, table } from '../dom.js';
import { link, money, time } from '../format.js';
import { badge, empty } from './parts.js';

// address: [title, words, view, where its rows are]
const REPORTS = {
  'open-bills': ['Open PO-bills', 'Bills made from orders that are still payable in FreshBooks, oldest first.', openBills, 'bills'],
  variances: ['Variances', 'Order, shipment, invoice and bill compared; the most money first.', variances, 'variances'],
  deadlines: ['Deadlines', 'What is due to partners, and what being late costs. Deadlines are set in the partner packs.', deadlines, 'deadlines'],
};

export default async function reports(into, { given, connection }) {
  const name = given.name in REPORTS ? given.name : 'open-bills';
  const [title, words, show, rows] = REPORTS[name];
  const told = await get('report', { connection, name });
  fill(into, h('h1', null, 'Reports'),
    h('nav', { 'aria-label': 'Reports' }, h('ul', null, Object.entries(REPORTS).map(([to, [label]]) =>
      h('li', null, h('a', { href: `#/reports?name=${to}`, 'aria-current': to === name ? 'page' : null }, label))))),
    h('section.box.gap', null, h('h2', null, title), h('p.quiet', null, words),
      told.bills_known === false ? h('p.note', null, 'FreshBooks did not answer: this is what the ledger alone knows.') : null, show(told),
      told[rows].length ? h('p.gap', null, action('Save as CSV', () => save(`${name}-${connection}.csv`, csv(told.columns, told[rows]), 'text/csv'))) : null));
}

/** For a spreadsheet, as `connector report --csv` prints it. */
const csv = (columns, rows) => `\ufeff${[columns, ...rows.map((row) => columns.map((name) => row[name]))].map((cells) => cells.map(cell).join(',')).join('\r\n')}\r\n`;

/** What a spreadsheet would take for a formula is quoted: numbers and names are others'. */
function cell(value) {
  const text = String(value ?? '');
  const plain = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

const sums = (byCurrency) => Object.entries(byCurrency).map(([currency, total]) => money(total, currency)).join(' and ');
const po = (one) => (one.document?.includes('/') ? h('a', { href: link(one.document) }, one.purchase_order) : one.purchase_order);

function openBills(told) {
  if (!told.bills.length) return empty('No PO-bill is open.');
  return [
    Object.entries(told.buckets).map(([currency, buckets]) => h('p', null, Object.entries(buckets).filter(([, one]) => one.count).map(([days, one]) =>
      [badge(`${days} days`), ` ${one.count}, ${money(one.amount, currency)}  `]))),
    table([['Purchase order', po], ['Partner', (one) => told.names[one.partner] || one.partner], ['Bill', (one) => one.bill], ['Days', (one) => one.days, 'number'],
      ['Amount', (one) => money(one.amount, one.currency), 'number'], ['Invoiced', (one) => money(one.invoiced, one.currency), 'number'],
      ['Still open', (one) => money(one.open, one.currency), 'number'], ['Status', (one) => badge(one.status, one.can_close ? 'warn' : '')]],
    told.bills, { caption: 'Open PO-bills', stack: true })];
}

function variances(told) {
  if (!told.variances.length) return empty('Orders, shipments, invoices and bills agree.');
  return [h('p', null, h('strong', null, `At risk: ${sums(told.money)}`)),
    table([['Purchase order', po], ['What', (one) => badge(one.variance === 'charges' ? 'charges or allowances' : one.variance.replaceAll('_', ' '), 'warn')], ['Line', (one) => one.line],
      ['Part', (one) => one.part], ['Ordered', (one) => one.ordered, 'number'], ['Shipped', (one) => one.shipped, 'number'],
      ['Invoiced', (one) => one.invoiced, 'number'], ['At risk', (one) => money(one.money, one.currency), 'number'], ['Detail', (one) => h('span.small', null, one.detail)]],
    told.variances, { caption: 'Variances', stack: true })];
}

function deadlines(told) {
  if (!told.deadlines.length) return empty('Nothing is due.');
  return [Object.keys(told.overdue).length ? h('p.note.bad', null, `Overdue: ${sums(told.overdue)} of penalties.`) : null,
    table([['Document', (one) => one.document], ['Purchase order', (one) => (one.order?.includes('/') ? h('a', { href: link(one.order) }, one.purchase_order) : one.purchase_order)],
      ['Partner', (one) => told.names[one.partner] || one.partner], ['Due', (one) => time(one.due)], ['', (one) => badge(one.status, one.status === 'overdue' ? 'bad' : 'warn')],
      ['Penalty', (one) => money(one.penalty, one.currency), 'number'], ['Who has the ball', (one) => one.ball]],
    told.deadlines, { caption: 'Deadlines', stack: true })];
}
