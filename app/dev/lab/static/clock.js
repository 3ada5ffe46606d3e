/** Both sides of a run on one clock, with a slider that steps back and forth. */

import { element, find, findAll } from '/static/js/dom.js';
import { align, parting, ticks } from './align.js';
import { families, hush, isHonest, lane, messages, sentence, styled } from './view.js';

/** @import { End, Row, Side, Step, Verdict } from './types.d.ts' */

/** @type {Side[]} */ export const SIDES = ['here', 'weakened'];

/** @type {Record<Verdict, [string, string]>} the word and the colour of each stamp */
const STAMPS = { held: ['Blocked', 'safe'], got_through: ['Breached', 'thief'], inconclusive: ['Not run', ''], skipped: ['Not run', ''] };

/** The first of one kind who sends something, or else its usual name. @param {Row[]} rows @param {boolean} honest */
const named = (rows, honest) =>
	rows.flatMap((row) => SIDES.flatMap((side) => row[side]?.exchange ?? [])).find((one) => isHonest(one) === honest)?.who ??
	(honest ? 'owner' : 'thief');

/** @param {Row} row */
const same = ({ here, weakened }) =>
	Boolean(here && weakened) && here?.exchange?.status === weakened?.exchange?.status &&
	here?.findings.map(({ held }) => held).join() === weakened?.findings.map(({ held }) => held).join();

/**
 * Draws a clock into `place`.
 *
 * @param {Element} place
 * @param {string} title
 * @param {string} [line] which the server on the right runs without
 */
export function clock(place, title, line = '') {
	place.append(find('#clock').content.cloneNode(true));
	const made = place.lastElementChild;
	/** @param {string} selector */
	const part = (selector) => find(selector, /** @type {ParentNode} */ (/** @type {unknown} */ (made)));
	/** @type {Record<Side, Step[]>} */ const steps = { here: [], weakened: [] };
	const slider = part('input');
	let following = true;
	let waiting = false;
	part('h3').textContent = title;
	part('.who-2 .hint').replaceChildren(...(line ? ['Without ', element('code', line)] : ['A page that lacks it.']));

	function show() {
		const [at, last] = [Number(slider.value), Number(slider.max)];
		for (const [n, row] of findAll('.run > li', /** @type {any} */ (made)).entries()) {
			row.classList.toggle('now', n + 1 === at);
			row.classList.toggle('later', n + 1 > at);
			row.ariaCurrent = n + 1 === at ? 'step' : null;
		}
		part('.at').textContent = slider.ariaValueText = `Step ${at} of ${last}`;
		part('[value="-1"]').ariaDisabled = String(at <= 1);
		part('[value="1"]').ariaDisabled = String(at >= last);
		part('.verdicts').classList.toggle('later', at < last);
	}

	function draw() {
		waiting = false;
		const rows = align(ticks(steps.here), ticks(steps.weakened));
		const split = steps.weakened.length ? parting(rows) : -1;
		const names = [named(rows, true), named(rows, false)];
		for (const [n, name] of names.entries()) for (const head of findAll(`[data-who="${n}"]`, /** @type {any} */ (made))) head.textContent = name;
		part('.run').replaceChildren(...rows.map((row, n) => drawn(row, n, n === split, names)));
		slider.max = String(Math.max(1, rows.length));
		if (following) slider.value = slider.max;
		part('.splits').textContent = split < 0 ? '' : `They part at step ${split + 1}.`;
		show();
	}

	slider.addEventListener('input', () => {
		following = slider.value === slider.max;
		show();
	});
	part('.actions').addEventListener('click', (/** @type {Event} */ { target }) => {
		const by = Number(/** @type {HTMLButtonElement} */ (target).value);
		if (!by) return;
		slider.value = String(Number(slider.value) + by);
		following = slider.value === slider.max;
		show();
		const over = part('.verdicts:not(.later)');
		(over ?? part('.now'))?.scrollIntoView({ block: 'nearest' });
	});

	return {
		/** A step of one side; a place comes again when its request was repeated. @param {Side} side @param {number} at @param {Step} step */
		add(side, at, step) {
			steps[side][at] = step;
			if (!waiting) requestAnimationFrame(draw);
			waiting = true;
		},
		/** The end of one side. @param {Side} side @param {End} end */
		end(side, { verdict, why, picture }) {
			draw();
			const [word, colour] = STAMPS[verdict];
			const box = part(`.verdicts [data-side=${side}]`);
			box.dataset.verdict = verdict;
			box.prepend(styled(`stamp fresh ${colour}`, element('span', word)), element('p', sentence(side, verdict), why && ` ${why}`));
			if (picture.length > 1) box.append(families(picture));
		},
		draw,
	};
}

/** @param {Row} row @param {number} n @param {boolean} parts @param {string[]} names */
function drawn(row, n, parts, names) {
	const tick = row.here ?? row.weakened;
	const sent = row.here?.exchange ?? row.weakened?.exchange;
	const said = (tick?.say ?? []).join(' ') || (sent ? styled('faded', element('span', `The ${sent.who} sends ${sent.request.split('\n', 1)}.`)) : '');
	const text = element('span', hush(`Step ${n + 1}. `), said);
	if (parts) text.append(' ', styled('chip plain', element('span', 'Here they part')));
	const say = styled('say', element('p', Object.assign(styled('mono', element('span', String(n + 1))), { ariaHidden: 'true' }), text));
	const lanes = styled('panes', element('div', ...SIDES.map((side) => lane(side, row[side], names))));
	const item = element('li', say, lanes);
	if (!sent && !tick?.findings.length) lanes.remove();
	if (same(row)) {
		lanes.firstElementChild.classList.add('same');
		const name = find('.lane-name', lanes);
		name.textContent = 'Both';
	}
	if (sent) {
		const summary = element('summary', 'The messages in full', hush(` of step ${n + 1}`));
		item.append(styled('messages', element('details', summary, styled('panes', element('div', ...SIDES.map((side) => messages(side, row[side])))))));
	}
	if (parts) item.classList.add('parts');
	return item;
}
