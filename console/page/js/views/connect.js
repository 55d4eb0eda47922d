// Both vendors: authorizing FreshBooks, and every step of the way tried one by one.

import { get, post } from '../api.js';
import { action, fill, h, problem } from '../dom.js';
import { badge, empty } from './parts.js';

export default async function connect(into, { connection, me }) {
  const steps = h('div', { role: 'status' });
  const tried = async () => {
    fill(steps, h('p.quiet', null, 'Trying both vendors…'));
    try {
      const told = await get('ping', { connection });
      fill(steps, h('ul.steps', null, told.steps.map((step) => h('li', null,
        badge(step.ok ? 'ok' : 'fails', step.ok ? 'good' : 'bad'),
        h('div', null, h('strong', null, `${step.vendor}: ${step.step}`), h('div.small', null, step.detail),
          step.fix ? h('div.small', null, `What to do: ${step.fix}`) : null)))));
    } catch (error) {
      fill(steps, problem(error));
    }
  };
  fill(into, h('h1', null, 'Connect'),
    connection ? [
      h('section.box', null, h('h2', null, 'FreshBooks'),
        h('p', null, 'Authorize again after a change of scopes, or where the overview says so. Queues wait meanwhile and nothing is lost.'),
        me.operator ? action('Authorize FreshBooks', async () => { location.assign((await post('authorize', { connection })).address); }, { primary: true }) : empty('This needs an operator.')),
      h('section.box', null, h('h2', null, 'Try both vendors, step by step'),
        h('p', null, 'Nothing is written at either vendor.'), action('Try now', tried), h('div.gap', null, steps)),
    ] : null,
    h('section.box', null, h('h2', null, 'A new connection'), h('p', null, 'Credentials are entered at the command line, where they go straight to Secrets Manager:'),
      h('pre', null, 'connector connections add NAME --account-id … --freshbooks-client-id … --sps-client-id …\nconnector authorize NAME')));
}
