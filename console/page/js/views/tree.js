// A payload as a tree that opens and closes; text that is no structure is shown as it is.

import { h } from '../dom.js';

/** `explained(path)` makes a field a button that says where its value comes from. */
export function tree(value, explain) {
  if (typeof value === 'string') return h('pre', null, value);
  return h('div.tree', null, branch(value, '', explain, 0));
}

function branch(value, path, explain, depth) {
  const entries = Array.isArray(value) ? value.map((inner, index) => [index, inner]) : Object.entries(value ?? {});
  return h('ul', null, entries.map(([key, inner]) => {
    const at = Array.isArray(value) ? `${path}[${key}]` : path ? `${path}.${key}` : key;
    if (inner !== null && typeof inner === 'object') {
      const size = Array.isArray(inner) ? `[${inner.length}]` : Array.isArray(value) ? `(${about(inner)})` : '';
      return h('li', null, h('details', { open: depth < 2 }, h('summary', null, h('span.key', null, `${key} ${size}`)), branch(inner, at, explain, depth + 1)));
    }
    const shown = inner === null ? 'null' : String(inner);
    const name = h('span.key', null, `${key}: `);
    return explain?.has(at)
      ? h('li', null, name, h('button.plain', { type: 'button', 'aria-label': `${key}: ${shown}. Where does it come from?`, onclick: (event) => explain.show(at, event.target) }, shown))
      : h('li', null, name, shown);
  }));
}

/** What tells an entry of a list from its neighbours, as far as its first words do. */
function about(entry) {
  const words = Object.values(entry).flatMap((value) => (value !== null && typeof value === 'object' ? Object.values(value) : [value]));
  return words.filter((value) => ['string', 'number'].includes(typeof value)).slice(0, 2).join(' · ').slice(0, 50);
}
