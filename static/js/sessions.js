/** Ends sessions one by one, all others, or all; each asks once, in place. */

import { find } from './forms.js';
import { authorizedFetch, logout } from './session.js';

/** @param {HTMLElement} row */
async function end(row) {
  const { status } = await authorizedFetch(`/auth/sessions/${row.dataset.session}`, { method: 'DELETE' });
  if (status !== 204 && status !== 404) throw new Error('The server could not end it just now. Try again.'); // 404: it had ended before
  row.remove();
}

/** @param {HTMLElement} root */
export function sessions(root) {
  const said = find('.said', root);
  const others = () => /** @type {HTMLElement[]} */ ([...root.querySelectorAll('[data-session]:not([data-current])')]);
  /** @type {Record<string, (row: HTMLElement) => Promise<string | void>>} */
  const acts = {
    async end(row) {
      await end(row);
      return `Session ended: ${row.dataset.device}. That device is logged out.`;
    },
    async others() {
      const ended = others();
      for (const row of ended) await end(row);
      return `${ended.length} other ${ended.length === 1 ? 'session' : 'sessions'} ended.`;
    },
    async everywhere() {
      const { ok } = await authorizedFetch('/auth/logout-everywhere', { method: 'POST' });
      if (!ok) throw new Error('The server could not do that just now. Try again.');
      await logout();
    },
    async leave() {
      await logout();
    },
  };
  root.addEventListener('click', async ({ target }) => {
    const button = /** @type {Element} */ (target).closest('button');
    if (!button) return;
    const ask = button.closest('details');
    if (ask) ask.open = false;
    if (button.value === 'keep') return find('summary', ask ?? root).focus();
    try {
      said.textContent = 'Ending…';
      said.textContent = (await acts[button.value]?.(/** @type {HTMLElement} */ (button.closest('[data-session]')))) ?? '';
    } catch (error) {
      said.textContent = /** @type {Error} */ (error).message;
    }
    root.classList.toggle('alone', others().length === 0);
    said.focus();
  });
}
