/** One attack's own page: runs it, with the line taken out that the visitor chose. */

import { element, find } from '/static/js/dom.js';
import { follow } from './api.js';
import { raise, run } from './browser.js';
import { SIDES, clock } from './clock.js';
import { sentence } from './view.js';

/** @import { Finding, RunEvent, Side, Verdict } from './types.d.ts' */

const button = find('#run');
const clocks = find('.clocks');
const guess = find('.guess');
const { slug, browser } = button.dataset;

/** @param {...(string | Node)} text */
const say = (...text) => find('.progress').replaceChildren(...text);

/** @type {Record<Side, Verdict[]>} */ let verdicts;

/** The worst of its parts. @param {Verdict[]} all @returns {Verdict} */
const worst = (all) =>
	all.includes('got_through') ? 'got_through' : all.every((one) => one === 'held') ? 'held' : 'inconclusive';

/** @param {Window | null} popup */
async function inBrowser(popup) {
	say('Attacking from the second window…');
	const both = await run(slug, popup);
	const shown = clock(clocks, 'In this browser');
	for (const side of SIDES) {
		for (const [at, step] of both[side].steps.entries()) shown.add(side, at, step);
		shown.end(side, both[side]);
		verdicts[side].push(both[side].verdict);
	}
}

/** @param {string} without @returns {Promise<{ run: string, by: string }>} the run's id, and the first defense that blocked it on the right */
async function fromProgram(without) {
	const line = without ? find(':checked + span code', guess).textContent : button.dataset.line;
	const shown = clock(clocks, 'From a program', line);
	let [id, by] = ['', ''];
	say('Attacking Latchkey…');
	await follow(`${slug}/run${without && `?without=${without}`}`, (/** @type {RunEvent} */ event) => {
		if ('step' in event) {
			shown.add(event.side, event.at, event.step);
			const { held, by: defense } = /** @type {Finding} */ (event.step);
			if (event.side === 'weakened' && held) by ||= defense;
		} else if ('verdict' in event) {
			shown.end(event.side, event);
			verdicts[event.side].push(event.verdict);
			if (event.side === 'here') say('Attacking the server without the defense…');
		} else if ('run' in event) id = event.run;
	});
	return { run: id, by };
}

/** @param {string} without the variant to run; the entry's own when it is empty */
async function play(without) {
	const popup = browser === undefined || without ? null : raise(); // at once, while the click still counts
	verdicts = { here: [], weakened: [] };
	clocks.replaceChildren();
	find('.address').hidden = true;
	if (browser !== undefined && !without) await inBrowser(popup);
	const { run: id, by } = await fromProgram(without);
	say(SIDES.map((side) => sentence(side, worst(verdicts[side]))).join(' '));
	const link = find('.address a');
	link.href = `/lab/runs/${id}`;
	link.textContent = link.href;
	find('.address').hidden = false;
	return { through: worst(verdicts.weakened) === 'got_through', by };
}

let busy = false;

/** Plays, unless a run is on; says what went wrong. @param {string} [without] */
async function once(without = '') {
	if (busy) return null;
	busy = true;
	button.ariaDisabled = 'true';
	find('span', button).textContent = 'Running…';
	const played = await play(without).catch(({ message }) => {
		say(message);
		return null;
	});
	button.ariaDisabled = null;
	find('span', button).textContent = 'Run it again';
	busy = false;
	return played;
}

button.addEventListener('click', () => once());
find('.address button').addEventListener('click', async (/** @type {any} */ { target }) => {
	await navigator.clipboard.writeText(find('.address a').href);
	target.textContent = 'Copied';
});

guess?.addEventListener('submit', async (/** @type {SubmitEvent} */ event) => {
	event.preventDefault();
	const answer = find('.verdict', guess);
	const chosen = find(':checked', guess);
	if (!chosen) {
		answer.textContent = 'Choose a line first.';
		return;
	}
	answer.textContent = 'Taking it out, and attacking…';
	const played = await once(chosen.value);
	for (const label of guess.querySelectorAll('label')) delete label.dataset.right;
	if (!played) answer.textContent = 'It could not be run. Try again.';
	else if (played.through) {
		answer.textContent = 'Yes. Without this line the attack succeeded.';
		chosen.closest('label').dataset.right = 'yes';
	} else {
		answer.replaceChildren('Not this line. The server ran without it, and the attack was still blocked, by ', element('code', played.by), '.');
		chosen.closest('label').dataset.right = 'no';
	}
});
