/** What the scripts of several pages use. */

/**
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {any} the first such element, of the kind that the caller knows it to be, or null
 */
export const find = (selector, root = document) => root.querySelector(selector);

/** @param {string} tag @param {(string | Node)[]} children */
export function element(tag, ...children) {
	const made = document.createElement(tag);
	made.append(...children);
	return made;
}

// Made on every page with script, so that no other script can be the first to take its name.
/** @type {{ createHTML(html: string): any } | undefined} */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy('latchkey-fragment', {
	createHTML: (/** @type {string} */ html) => html,
});

/**
 * Makes a document of an answer; scripts in it do not run. It is the one place where text becomes elements.
 *
 * @param {Response} response
 * @throws {Response} an answer that is no success
 */
export async function parse(response) {
	if (!response.ok) throw response;
	const html = await response.text();
	return new DOMParser().parseFromString(policy?.createHTML(html) ?? html, 'text/html');
}

const WORDS = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/**
 * Says in words when something is or was.
 *
 * @param {number} seconds from now; negative in the past
 */
export function relative(seconds) {
	const size = Math.abs(seconds);
	if (seconds > -60 && seconds <= 0) return 'just now';
	if (size < 3600) return WORDS.format(Math.round(seconds / 60), 'minute');
	if (size < 86_400) return WORDS.format(Math.round(seconds / 3600), 'hour');
	return WORDS.format(Math.round(seconds / 86_400), 'day');
}

/**
 * Calls `send` with a form's fields when it is submitted, and not again before that is done.
 *
 * @param {HTMLFormElement} form
 * @param {(fields: any) => Promise<unknown>} send must not reject
 */
export function onSubmit(form, send) {
	const button = find('button:not([type])', form);
	const label = button.textContent;
	form.addEventListener('submit', async (event) => {
		event.preventDefault();
		if (button.textContent !== label) return;
		button.textContent = button.dataset.busy;
		await send(Object.fromEntries(new FormData(form)));
		button.textContent = label;
	});
}
