// Connecting both vendors: what is there, what is missing, and every step of the way tried one by one.

import { get, post } from '../api.js';
import { action, complain, field, fill, h, problem, toast } from '../dom.js';
import { badge, empty, fix } from './parts.js';

export default async function connect(into, { connection, me, news, again }) {
  if (!connection) return fill(into, h('h1', null, 'Connect'), fresh());
  const status = await get('connect', { connection, refused: news.refused });
  const steps = h('div', { role: 'status' });
  const business = h('div', { role: 'status' });
  return fill(into, h('h1', null, 'Connect'),
    news.authorized ? h('p.note.good', { role: 'status' }, 'FreshBooks is authorized. Choose the business if it is not the right one, then try both vendors.') : null,
    news.refused ? refused(status.refused, news.refused) : null,
    h('section.box', null, h('h2', null, '1. FreshBooks'),
      h('p', null, status.authorized ? badge('Authorized', 'good') : badge('Not authorized', 'bad'), ` for account ${status.account}`,
        status.missing_scopes.length ? [' ', badge(`${status.missing_scopes.length} scopes missing`, 'bad'), ` ${status.missing_scopes.join(', ')}`] : '',
        ' ', status.unconfirmed.length ? badge('Webhooks not confirmed', 'warn') : badge('Webhooks confirmed', 'good')),
      h('p.quiet.small', null, 'Authorize again after a change of scopes, or where the overview says so: queues wait meanwhile, and nothing is lost. ',
        'By webhooks FreshBooks tells of each change at once; without them changes are seen by the hourly look.'),
      me.operator ? h('p.row', null, action(status.authorized ? 'Authorize again' : 'Authorize FreshBooks', async () => { location.assign((await post('authorize', { connection })).address); }, { primary: !status.authorized }),
        status.authorized ? action('Choose the business…', () => choose(business, connection, again)) : null,
        status.authorized && status.unconfirmed.length ? action('Register webhooks', () => registered(connection, again), { primary: true }) : null) : empty('Changing this needs an operator: an administrator runs `connector people add NAME --group operator`.'), business),
    h('section.box', null, h('h2', null, '2. SPS Commerce'),
      h('p', null, status.sps ? badge('Credentials stored', 'good') : badge('No credentials', 'bad')),
      me.operator ? credentials(connection, again) : null),
    h('section.box', null, h('h2', null, '3. Try both vendors, step by step'),
      h('p', null, 'Nothing is written at either vendor.'), action('Try now', () => tried(steps, connection)), h('div.gap', null, steps)),
    h('section.box', null, h('h2', null, '4. Trading partners'),
      h('p', null, 'Each new partner starts in shadow mode: everything is mapped and checked, nothing is sent until you switch it live. '),
      h('a.button', { href: '#/partners' }, 'Partners')),
    fresh());
}

const refused = (entry, code) => problem({
  message: `FreshBooks was not authorized; nothing has changed. ${entry ? `Why: ${entry.meaning} (${entry.cause})` : `Why: ${code.replaceAll('_', ' ')}`}`,
  fix: entry?.fix ?? 'authorize again',
});

const fresh = () => h('section.box', null, h('h2', null, 'A new connection'),
  h('p', null, 'One FreshBooks business paired with one SPS account. Its schedules and secrets are made at the command line:'),
  h('pre', null, 'connector connections add NAME --account-id … --freshbooks-client-id … --sps-client-id …\nconnector authorize NAME'));

/** Ask FreshBooks to call; it confirms each callback by a handshake of its own, usually within seconds. */
async function registered(connection, again) {
  await post('connect/webhooks', { connection });
  toast('Asked for; FreshBooks confirms them by calling the connector, usually within seconds.');
  for (let n = 0; n < 20; n += 1) {
    await new Promise((done) => { setTimeout(done, 1500); });
    if (!(await get('connect', { connection })).unconfirmed.length) {
      toast('FreshBooks has confirmed the webhooks.');
      return again();
    }
  }
  throw new Error('FreshBooks has not confirmed the webhooks yet. Changes are seen by the hourly look meanwhile; try again in some minutes');
}

async function choose(into, connection, again) {
  const told = await get('connect/businesses', { connection });
  if (!told.businesses.length) return fill(into, empty('The person who authorized has no business with an accounting account.'));
  return fill(into, h('form', { onsubmit: async (event) => {
    event.preventDefault();
    try {
      await post('connect/business', { connection, account: new FormData(event.target).get('account') });
      toast('The connection is paired with this business.');
      fill(into);
      again();
    } catch (error) {
      complain(error);
    }
  } }, h('fieldset.plainset', null, h('legend', null, h('strong', null, 'Which business?')), told.businesses.map((one) =>
    h('label.choice', null, h('input', { type: 'radio', name: 'account', value: one.account, checked: one.account === told.account, required: true }), `${one.name} (${one.account}, ${one.role})`))),
  h('p.row', null, h('button.primary', { type: 'submit' }, 'Use this business'))));
}

function credentials(connection, again) {
  const id = h('input', { required: true, autocomplete: 'off', spellcheck: 'false' });
  const secret = h('input', { required: true, type: 'password', autocomplete: 'new-password' });
  const said = h('div.gap', { role: 'status' });
  return h('details', null, h('summary', null, 'Enter credentials'), h('form.gap', { onsubmit: async (event) => {
    event.preventDefault();
    try {
      fill(said, h('p.quiet', null, 'Trying…'));
      await post('connect/sps', { connection, client_id: id.value.trim(), client_secret: secret.value.trim() });
      toast('SPS takes them; they are stored.');
      again();
    } catch (error) {
      fill(said, problem(error));
    } finally {
      secret.value = '';
    }
  } }, field('Client id of the machine-to-machine application', id), field('Client secret', secret, 'It is tried at SPS first and stored only if SPS takes it.'),
  h('button.primary', { type: 'submit' }, 'Try and store'), said));
}

async function tried(into, connection) {
  fill(into, h('p.quiet', null, 'Trying both vendors…'));
  try {
    const told = await get('ping', { connection });
    fill(into, h('ul.steps', null, told.steps.map((step) => h('li', null,
      badge(step.ok ? 'ok' : 'fails', step.ok ? 'good' : 'bad'),
      h('div', null, h('strong', null, `${step.vendor}: ${step.step}`), h('div.small', null, step.detail), fix(step.fix))))));
  } catch (error) {
    fill(into, problem(error));
  }
}
