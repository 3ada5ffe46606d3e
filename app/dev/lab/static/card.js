/** One attack's own page. */

import { find } from '/static/js/dom.js';
import { attack } from './api.js';
import { raise, run } from './browser.js';
import { WORDS, part } from './view.js';

/** @import { Run, Side, Verdict } from './types.d.ts' */

const FIRST = '#run';
/** @type {Side[]} */ const SIDES = ['here', 'weakened'];
/** @type {Record<Side, string>} */ const NAMES = { here: 'This server', weakened: 'The weakened variant' };

const button = find(FIRST);
const { slug, browser } = button.dataset;

/** @param {string} text */
const say = (text) => (find('.start .progress').textContent = text);

/** @param {Side} side */
const place = (side) => find(`.side[data-side=${side}] .outcome`);

/** The worst of its parts. @param {Verdict[]} verdicts @returns {Verdict} */
const worst = (verdicts) =>
	verdicts.includes('got_through') ? 'got_through' : verdicts.every((one) => one === 'held') ? 'held' : 'inconclusive';

/** @type {Record<Side, Verdict[]>} */ let verdicts;

/** @param {Side} side @param {string} name @param {Run} run */
function show(side, name, run) {
	verdicts[side].push(run.verdict);
	find('.waiting, .empty', place(side))?.remove();
	place(side).append(part(name, run));
	find(`.side[data-side=${side}]`).dataset.verdict = worst(verdicts[side]);
}

async function play() {
	const popup = browser === undefined ? null : raise(); // at once, while the click still counts
	verdicts = { here: [], weakened: [] };
	for (const side of SIDES) {
		place(side).replaceChildren(Object.assign(document.createElement('p'), { className: 'waiting', textContent: 'Running…' }));
		delete find(`.side[data-side=${side}]`).dataset.verdict;
	}
	if (browser !== undefined) {
		say('Attacking from the second window…');
		const both = await run(slug, popup);
		for (const side of SIDES) show(side, 'In this browser', both[side]);
	}
	for (const side of SIDES) {
		say(`Attacking ${NAMES[side].toLowerCase()}…`);
		show(side, 'From a program', await attack(slug, side));
	}
	say(SIDES.map((side) => `${NAMES[side]}: ${WORDS[worst(verdicts[side])].toLowerCase()}.`).join(' '));
}

button.addEventListener('click', async () => {
	if (button.ariaDisabled === 'true') return;
	button.ariaDisabled = 'true';
	button.textContent = 'Running…';
	await play().catch(({ message }) => {
		for (const rest of document.querySelectorAll('.waiting')) rest.textContent = 'Not run.';
		say(message);
	});
	button.ariaDisabled = null;
	button.textContent = 'Run it again';
});
