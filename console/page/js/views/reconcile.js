// The nightly proof: FreshBooks, SPS and the ledger compared, document by document.

import { get } from '../api.js';
import { measures } from '../charts.js';
import { fill, h, table } from '../dom.js';
import { link, time } from '../format.js';
import { badge, empty } from './parts.js';

export default async function reconcile(into, { connection }) {
  const { result } = await get('reconcile', { connection });
  if (!result) return fill(into, h('h1', null, 'Reconcile'), h('section.box', null,
    empty('Every night FreshBooks, SPS and the ledger are compared, document by document: none lost, none twice. The first comparison runs tonight; `connector reconcile` makes one now.')));
  const look = result.verdicts.filter((one) => !one.explained || ['needs a person', 'waits'].includes(one.verdict));
  return fill(into, h('h1', null, 'Reconcile'),
    h('p.quiet', null, `Compared ${time(result.at)}, everything since ${time(result.since)}.`),
    h('div', { class: `note ${result.unexplained ? 'bad' : 'good'}` }, h('p', null, h('strong', null,
      result.unexplained ? `${result.unexplained} of ${result.documents} documents are unexplained` : `All ${result.documents} documents are explained: none lost, none twice`))),
    h('section.box', null, h('h2', null, 'What became of them'), measures(result.counts, 'Verdicts')),
    h('section.box', null, h('h2', null, 'To look at'), look.length ? table([
      ['Document', (one) => (one.document.split('/').length === 5 ? h('a', { href: link(one.document) }, one.document) : one.document)],
      ['Seen at', (one) => one.where],
      ['Verdict', (one) => badge(one.verdict, one.explained ? 'warn' : 'bad')],
      ['Detail', (one) => one.detail],
    ], look, { caption: 'Documents to look at', stack: true }) : empty('Nothing.')));
}
