/** All attacks at once, with two marks for each and a score. */

import { find, findAll } from '/static/js/dom.js';
import { follow } from './api.js';

/** @import { Score, Side, Verdict } from './types.d.ts' */

/** @type {Record<Side, Record<Verdict, [string, string]>>} the colour and the words of each mark */
const MARKS = {
	here: { held: ['safe', 'blocked'], got_through: ['thief', 'not blocked'], inconclusive: ['', 'could not be run'], skipped: ['', 'not run'] },
	weakened: { got_through: ['thief', 'succeeded without the defense'], held: ['safe', 'blocked without the defense'], inconclusive: ['', 'could not be run without the defense'], skipped: ['', 'not run'] },
};

const button = find('#all');
const label = find('span', button).textContent;
const rows = findAll('.scores [data-slug]', document);
/** @param {string} text */
const say = (text) => (find('.progress [role=status]').textContent = text);

/** @param {any} cell @param {string} kind @param {string} words */
function mark(cell, kind, words) {
	cell.classList.remove('safe', 'thief');
	if (kind) cell.classList.add(kind);
	find('.hush', cell).textContent = words;
}

async function play() {
	for (const row of rows) for (const cell of findAll('.cell', row)) mark(cell, '', 'not run');
	const counts = { here: 0, weakened: 0, done: 0 };
	const began = Date.now();
	await follow('run-all', (/** @type {Score | {}} */ event) => {
		if (!('verdict' in event)) return;
		const { slug, side, verdict, why } = event;
		const cell = find(`.scores [data-slug="${slug}"] [data-side=${side}]`);
		mark(cell, ...MARKS[side][verdict]);
		cell.title = why;
		counts.done += 1;
		counts[side] += Number(verdict === (side === 'here' ? 'held' : 'got_through'));
		say(`${counts.done} of ${2 * rows.length} runs are done.`);
	});
	const seconds = Math.round((Date.now() - began) / 1000);
	say(`${counts.here} of ${rows.length} blocked; ${counts.weakened} of ${rows.length} succeeded without their defense. It took ${seconds} seconds.`);
}

button.addEventListener('click', async () => {
	if (button.ariaDisabled === 'true') return;
	button.ariaDisabled = 'true';
	find('span', button).textContent = 'Running…';
	await play().catch(({ message }) => say(message));
	button.ariaDisabled = null;
	find('span', button).textContent = label;
});
