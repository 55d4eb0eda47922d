// What the warehouse shipped, as a file or pasted: tried first, then sent as notices; and one taken back.

import { get, post } from '../api.js';
import { action, complain, dialog, field, fill, h, problem, prose, save, table, toast } from '../dom.js';
import { badge, empty } from './parts.js';
import { link } from '../format.js';

const TONES = { error: 'bad', warning: 'warn', info: '' };
const findings = (found) => h('ul.remarks', null, found.map((one) => h('li.small', null,
  badge(one.severity, TONES[one.severity]), ' ', one.place ? h('strong', null, `${one.place}: `) : null, one.message,
  one.fix ? h('span.quiet', null, ' What to do: ', prose(one.fix), '.') : null)));

export default async function shipments(into, { connection, me }) {
  const text = h('textarea', { rows: 10, spellcheck: 'false' });
  const result = h('div.gap', { role: 'status' });
  let name = '';
  const file = h('input', { type: 'file', accept: '.csv,.json,text/csv,application/json', onchange: async () => {
    name = '';
    if (!file.files.length) return;
    text.value = '';
    fill(result);
    try {
      const bytes = await file.files[0].arrayBuffer();
      [name, text.value] = [file.files[0].name, new TextDecoder('utf-8', { fatal: true }).decode(bytes)];
    } catch { // a letter that is guessed would be the retailer's to read
      fill(result, problem({ message: `${file.files[0].name} is not UTF-8 text`, fix: 'save it as CSV UTF-8 (Excel: Save As, “CSV UTF-8”)' }));
    }
  } });
  const send = async (dryRun) => {
    if (!text.value.trim()) {
      fill(result, problem({ message: 'There is nothing to send yet', fix: 'choose a file, or paste its text' }));
      return;
    }
    fill(result, h('p.quiet', null, dryRun ? 'Trying…' : 'Sending…'));
    try {
      fill(result, told(await post('shipment/upload', { connection, text: text.value, name, dry_run: dryRun }), dryRun));
    } catch (error) {
      fill(result, problem(error));
    }
  };
  fill(into, h('h1', null, 'Shipments'),
    h('p', null, 'What the warehouse shipped becomes the notice (ASN) that the retailer gets before the goods. The same file again does nothing; a changed one replaces its notices.'),
    me.operator ? [
      h('section.box', null, h('h2', null, 'Upload'),
        field('File (CSV or JSON)', file),
        field('or its text', text, 'One row for every article in a carton. The form has every column, and an example.'),
        h('div.row', null, action('Try it', () => send(true)), action('Send', () => send(false), { primary: true }),
          action('Save the form', async () => save('shipments.csv', (await get('shipment/form')).csv, 'text/csv'))),
        result),
      h('section.box', null, h('h2', null, 'Take one back'),
        h('p', null, 'Where its notice was sent, the retailer is sent a cancellation.'), action('Cancel a shipment…', () => cancel(connection))),
    ] : empty('This needs an operator: an administrator runs `connector people add NAME --group operator`.'));
}

function told(answer, dryRun) {
  if (answer.problems.length) return [h('p', null, h('strong', null, 'Nothing of the file was taken in.')), findings(answer.problems)];
  return [
    h('p', null, dryRun ? 'Nothing was sent. This is what would be:' : 'Taken in:'),
    table([
      ['Shipment', (one) => (dryRun ? one.shipment : h('a', { href: link(one.id) }, one.shipment))],
      ['Orders', (one) => one.orders.join(', ')],
      ['State', (one) => badge(...stateOf(one, dryRun))],
      ['SSCC of its cartons', (one) => h('span.small', null, one.labels.slice(0, 5).map((each) => h('div', null, `${each.carton ?? each.pallet}: ${each.sscc}`)),
        one.labels.length > 5 ? h('div', null, `and ${one.labels.length - 5} more`) : null)],
      ['Remarks', (one) => [one.reason.message ? h('p.small', null, one.reason.message, one.reason.fix ? h('span.quiet', null, ' What to do: ', prose(one.reason.fix), '.') : null) : null, findings(one.findings.filter((each) => each.message !== one.reason.message))]],
    ], answer.shipments, { caption: 'Shipments of the file', stack: true }),
  ];
}

function stateOf(one, dryRun) {
  if (one.reason.message) return ['held', 'warn'];
  if (one.duplicate) return ['as before', ''];
  return [dryRun ? 'would be sent' : 'on its way', 'good'];
}

const cancel = (connection) => dialog('Cancel a shipment', (close) => {
  const shipment = h('input', { type: 'text', autocomplete: 'off', required: true });
  const reason = h('input', { type: 'text', autocomplete: 'off', required: true, maxlength: 300 });
  return h('form', { onsubmit: async (event) => {
    event.preventDefault();
    try {
      const done = await post('shipment/cancel', { connection, shipment: shipment.value.trim(), reason: reason.value });
      close();
      toast(done.state === 'CANCELLED' ? 'The shipment is cancelled; nobody had been told of it.' : 'The retailer is sent a cancellation.');
    } catch (error) {
      complain(error);
    }
  } }, field('Shipment', shipment, 'Its id in the file.'), field('Why', reason, 'Kept on its history.'),
  h('p.row', null, h('button.primary', { type: 'submit' }, 'Cancel the shipment'), h('button', { type: 'button', onclick: () => close() }, 'Leave it')));
});
