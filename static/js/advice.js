/** Help with a new password. A form loads it when somebody types one, or asks for one. */

import { find } from './dom.js';

/**
 * Shows a text that the page has for a level.
 *
 * @param {HTMLElement} output
 * @param {string} level
 * @param {number} [length] of the password
 */
function say(output, level, length = 0) {
	output.dataset.level = level;
	output.textContent = (output.dataset[level] ?? '').replace('#', String(length));
}

/** Says whether the server takes a length, which it counts in the same way. @type {Judge} */
export function judge({ value, dataset }, output) {
	const text = value.normalize();
	const { length } = [...text];
	let level = length < Number(dataset.least) ? 'short' : 'enough';
	if (new TextEncoder().encode(text).length > Number(dataset.most)) level = 'long';
	say(output, length ? level : '', length);
}

/** Fills in a passphrase and shows it. Rejects when there is none. @type {Suggest} */
export async function suggest(field, output, url) {
	field.value = await passphrase(url);
	say(output, 'strong');
	if (field.type === 'password') find('.peek', field.parentElement ?? document).click();
	field.focus();
}

/**
 * Draws five words at random. Of 2,048 words that is 55 bits.
 *
 * @param {string} url of the words, one a line
 * @returns {Promise<string>} rejects when they cannot be loaded
 */
export async function passphrase(url) {
	const answer = await fetch(url);
	if (!answer.ok) throw answer;
	const words = (await answer.text()).trim().split('\n');
	// Their number is a power of two, so the remainder makes none of them more likely.
	const drawn = crypto.getRandomValues(new Uint16Array(5));
	return [...drawn].map((number) => words[number % words.length]).join(' ');
}
