/** The one place where text from the server becomes elements. */

/** @type {{createHTML: (html: string) => any}} */
const plain = { createHTML: (html) => html };
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy('latchkey-fragment', plain) ?? plain;

/**
 * Parses an HTML answer of this site; scripts in it stay inert.
 * @param {Response} response
 */
export async function parse(response) {
  const type = response.headers.get('content-type') ?? '';
  if (!response.ok || !type.startsWith('text/html') || new URL(response.url).origin !== location.origin) throw new Error('No page came back.');
  return new DOMParser().parseFromString(policy.createHTML(await response.text()), 'text/html');
}

/**
 * Puts new content in the place of the old; it fades in.
 * @param {Element} target @param {Element} content
 */
export function swap(target, content) {
  const arriving = document.createElement('div');
  arriving.className = 'arriving';
  arriving.append(...content.childNodes);
  target.replaceChildren(arriving);
}
