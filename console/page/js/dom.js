// Elements are built here and nowhere else: text goes in as text, so a document's words can't become markup.

const SVG = new Set(['svg', 'g', 'rect', 'line', 'text', 'title', 'path']);

/** `h('a.card', {href, onclick}, 'text', child, [children])`; null and false are left out. */
export function h(spec, props, ...children) {
  const [tag, ...classes] = spec.split('.');
  const element = SVG.has(tag)
    ? document.createElementNS('http://www.w3.org/2000/svg', tag)
    : document.createElement(tag);
  if (classes.length) element.setAttribute('class', classes.join(' '));
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'href' && !/^(#|https?:|\/)/.test(value)) continue; // no other kind of address
    else if (name === 'value') element.value = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(9)) {
    if (child === null || child === undefined || child === false || child === '') continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

/** Text with its `commands` set apart. */
export const prose = (text) => String(text).split('`').map((part, n) => (n % 2 ? h('code', null, part) : part));

/**
 * A table that can be scrolled on a small screen, by keyboard too. Columns: [title, cell(row), number?]; one with
 * nothing in it is left out, except the first.
 */
export function table(all, rows, { caption, stack = false } = {}) {
  const cells = rows.map((row) => all.map(([title, cell, kind]) => {
    const made = h('td', { class: kind === 'number' ? 'number' : null, 'data-label': title || null }, cell(row));
    if (!made.textContent.trim() || made.textContent === '–') made.classList.add('blank');
    return made;
  }));
  const kept = (_, n) => !n || cells.some((row) => !row[n].classList.contains('blank'));
  const columns = all.filter(kept);
  const body = cells.map((row) => h('tr', null, row.filter(kept)));
  return h('div.scroll', { tabindex: '0', role: 'region', 'aria-label': caption || 'table' },
    h(stack ? 'table.stack' : 'table', null,
      caption ? h('caption.hidden', null, caption) : null,
      h('thead', null, h('tr', null, columns.map(([title, , kind]) =>
        h('th', { scope: 'col', class: kind === 'number' ? 'number' : null }, title || h('span.hidden', null, 'action'))))),
      h('tbody', null, body)));
}

/** What became of an action. What went wrong in a dialog is told there: what is beside it can't be read meanwhile. */
export function toast(text, bad = false) {
  const box = bad && document.querySelector('dialog[open]');
  if (box) {
    box.querySelector('.note.bad[role=alert]')?.remove();
    return box.append(h('p.note.bad', { role: 'alert' }, text));
  }
  const shown = h(bad ? 'p.bad' : 'p', null, text);
  document.getElementById('toasts').append(shown);
  return setTimeout(() => shown.remove(), bad ? 12000 : 6000);
}

/** The same of an error: what happened, and what to do. */
export const complain = (error) => toast(error.fix ? `${sentence(error.message)} ${sentence(error.fix)}` : error.message, true);
const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1).replaceAll('`', '')}.`;

/** An error as a person reads it: what happened, where, and what to do. */
export function problem(error) {
  return h('div.note.bad', { role: 'alert' },
    h('p', null, h('strong', null, error.message), error.place ? ` (${error.place})` : ''),
    error.fix ? h('p', null, 'What to do: ', prose(error.fix), '.') : null);
}

/** Hand a file to the person. */
export function save(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  Object.assign(document.createElement('a'), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  toast(`${name} is saved with your downloads.`);
}

/** A button that shows that it works, and says so when it could not. */
export function action(label, work, { primary = false, ...props } = {}) {
  const button = h(primary ? 'button.primary' : 'button', { type: 'button', ...props, onclick: async () => {
    button.disabled = true;
    try {
      await work();
    } catch (error) {
      complain(error);
    } finally {
      button.disabled = false;
      if (document.activeElement === document.body) button.focus(); // it lost the focus when it was disabled
    }
  } }, label);
  return button;
}

export function field(label, control, hint) {
  const id = control.id || (control.id = `f${Math.random().toString(36).slice(2)}`);
  return h('div.field', null, h('label', { for: id }, label), control, hint ? h('p.quiet.small', null, prose(hint)) : null);
}

/** A dialog; resolves when it is closed. `build(close)` gives its content. */
export function dialog(title, build) {
  return new Promise((resolve) => {
    const opened = document.activeElement;
    const box = h('dialog', { 'aria-labelledby': 'dialog-title' });
    const close = (value) => { box.close(); resolve(value); };
    box.addEventListener('close', () => { box.remove(); opened?.focus?.(); resolve(undefined); });
    fill(box, h('h2', { id: 'dialog-title' }, title), build(close));
    document.body.append(box);
    box.showModal();
  });
}
