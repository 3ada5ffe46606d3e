/** The account page shows what it is made of: token, exchange, and reach of script. */

import { find, element } from './forms.js';
import { authorizedFetch, onChange, refresh } from './session.js';
import { show } from './shell.js';

/** When this document's exchanges happened; the last one is the live one. @type {Date[]} */
const exchanges = [];
let known = 0;

/** @param {HTMLElement} root @param {number} left seconds */
function count(root, left) {
  const shown = left > 0 ? `${Math.floor(left / 60)}:${String(Math.floor(left % 60)).padStart(2, '0')}` : 'spent';
  find('.countdown', root).textContent = shown;
  /** @type {HTMLProgressElement} */ (find('progress', root)).value = Math.max(left, 0);
}

/** @param {HTMLElement} root */
function drawFamily(root) {
  find('.family', root).replaceChildren(...exchanges.slice(-5).map((at, index, { length }) =>
    element('li', {}, element('b', {}, index < length - 1 ? 'spent' : 'current'), ' ', at.toLocaleTimeString())));
}

/** What any script of this site can read. @returns {Promise<Record<string, string>>} */
async function reach() {
  const keys = (/** @type {() => Storage} */ store) => {
    try {
      return Object.keys(store()).join(', ') || 'empty';
    } catch {
      return 'blocked';
    }
  };
  const databases = await globalThis.indexedDB?.databases?.().catch(() => []) ?? [];
  return {
    local: keys(() => localStorage),
    session: keys(() => sessionStorage),
    cookie: document.cookie || 'empty',
    indexed: databases.map(({ name }) => name).join(', ') || 'empty',
  };
}

/** @param {HTMLElement} root */
export function account(root) {
  const said = find('.said', root);
  let expiresAt = 0;
  const stop = onChange((state) => {
    if (!state.expiresAt) return;
    expiresAt = state.expiresAt;
    if (known !== expiresAt) exchanges.push(new Date());
    known = expiresAt;
    drawFamily(root);
  });
  const tick = () => count(root, (expiresAt - performance.now()) / 1000);
  const timer = setInterval(tick, 1000);
  tick();

  find('#refresh', root).addEventListener('click', async () => {
    said.textContent = 'Refreshing…';
    try {
      await refresh();
      const { open } = /** @type {HTMLDetailsElement} */ (find('details', root));
      await show(location.pathname);
      find('details').toggleAttribute('open', open);
      find('#refresh').focus();
      find('.said').textContent = 'Done. The old refresh token is spent; a new access token took over.';
    } catch (error) {
      said.textContent = /** @type {Error} */ (error).message;
    }
  });
  find('#ask', root).addEventListener('click', async () => {
    const answer = find('.answer', root);
    answer.hidden = false;
    try {
      const response = await authorizedFetch('/api/me');
      answer.textContent = `${response.status} ${response.statusText}\n${JSON.stringify(await response.json(), null, 2)}`;
    } catch (error) {
      answer.textContent = /** @type {Error} */ (error).message;
    }
  });
  reach().then((found) => {
    for (const [name, value] of Object.entries(found)) find(`[data-reach=${name}]`, root).textContent = value;
  });
  return () => {
    clearInterval(timer);
    stop();
  };
}
