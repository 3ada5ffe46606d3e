/** All attacks, one after the other. */

import { find } from '/static/js/dom.js';
import { attack } from './api.js';
import { WORDS } from './view.js';

/** @import { Side } from './types.d.ts' */

/** @type {[Side, string][]} */ const SIDES = [['here', 'This server'], ['weakened', 'Weakened variant']];

const button = find('#all');
const label = button.textContent;
/** @param {string} text */
const say = (text) => (find('.all-runs .progress').textContent = text);
let going = false;

/** @param {any} card */
async function play(card) {
	find('.verdicts', card).hidden = false;
	const badges = SIDES.map(([side]) => find(`[data-side=${side}]`, card));
	for (const badge of badges) {
		badge.textContent = '';
		delete badge.dataset.verdict;
	}
	for (const [side, name] of SIDES) {
		const badge = find(`[data-side=${side}]`, card);
		badge.textContent = `${name}: running…`;
		const { verdict } = await attack(card.dataset.slug, side);
		badge.textContent = `${name}: ${WORDS[verdict].toLowerCase()}`;
		badge.dataset.verdict = verdict;
	}
}

button.addEventListener('click', async () => {
	going = !going;
	if (!going) return;
	button.textContent = 'Stop';
	const cards = [...document.querySelectorAll('.cards [data-slug]')];
	let done = 0;
	try {
		for (const card of cards) {
			say(`${done} of ${cards.length} are done.`);
			if (!going) break;
			await play(card);
			done += 1;
		}
		say(`${done} of ${cards.length} are done.`);
	} catch (error) {
		say(/** @type {Error} */ (error).message);
	}
	going = false;
	button.textContent = label;
});
