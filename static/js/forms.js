/** What the forms share: errors that can be found, passwords that can be read. */

/** @typedef {{field?: string, text: string}} Fault */

/** @template {Element} [T=HTMLElement] @param {string} selector @param {ParentNode} [root] */
export const find = (selector, root = document) => /** @type {T} */ (root.querySelector(selector));

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Partial<HTMLElementTagNameMap[K]>} properties @param {(Node | string)[]} children
 */
export function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/**
 * Fills the error summary and the line beside each field, and moves the focus
 * to the summary; no faults clears both.
 * @param {HTMLFormElement} form @param {Fault[]} faults
 */
export function showFaults(form, faults) {
  const summary = find('.summary');
  const first = find('input:not([type=hidden], [hidden])', form).id;
  for (const line of form.querySelectorAll('.fault')) line.textContent = '';
  for (const input of form.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
  for (const { field, text } of faults) {
    if (!field) continue;
    find(`#${field}-fault`).textContent = text;
    find(`#${field}`).setAttribute('aria-invalid', 'true');
  }
  find('ul', summary).replaceChildren(
    ...faults.map(({ field = first, text }) => element('li', {}, element('a', { href: `#${field}` }, text))),
  );
  summary.hidden = faults.length === 0;
  if (faults.length) summary.focus();
}

/** @param {any} error @returns {Fault[]} */
export const faultsOf = ({ message, retryAfter: wait }) => [
  { text: wait ? `${message} (Possible again in ${wait < 120 ? `${wait} seconds` : `${Math.ceil(wait / 60)} minutes`}.)` : message },
];

/**
 * Runs `send` on submit: one at a time, the button saying what happens.
 * `check` names faults before anything is sent.
 * @param {HTMLFormElement} form
 * @param {(data: Record<string, any>) => Fault[]} check
 * @param {(data: Record<string, any>) => Promise<void>} send
 * @param {(error: any) => Fault[]} [explain]
 */
export function onSubmit(form, check, send, explain = faultsOf) {
  const button = find('button:not([type=button])', form);
  const label = button.textContent;
  let busy = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (busy) return;
    for (const peek of form.querySelectorAll('.peek[aria-pressed=true]')) /** @type {HTMLElement} */ (peek).click();
    const data = /** @type {Record<string, any>} */ (Object.fromEntries(new FormData(form)));
    const faults = check(data);
    showFaults(form, faults);
    if (faults.length) return;
    busy = true;
    button.textContent = button.dataset.busy ?? label;
    try {
      await send(data);
    } catch (error) {
      showFaults(form, explain(error));
    }
    busy = false;
    button.textContent = label;
  });
  for (const peek of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll('.peek'))) {
    const input = /** @type {HTMLInputElement} */ (peek.previousElementSibling);
    peek.hidden = false;
    peek.addEventListener('click', () => {
      const shown = input.type === 'password';
      input.type = shown ? 'text' : 'password';
      peek.setAttribute('aria-pressed', String(shown));
    });
  }
}
