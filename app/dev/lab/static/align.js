/** Two runs of one attack, step beside step. */

/** @import { Row, Step, Tick } from './types.d.ts' */

/** Puts together what belongs to one request. @param {Step[]} steps @returns {Tick[]} */
export function ticks(steps) {
	/** @type {Tick[]} */ const made = [];
	for (const step of steps) {
		const last = made.at(-1);
		const begun = last && (last.exchange || last.findings.length);
		if (last && step.kind === 'finding') last.findings.push(step);
		else if (last && !begun && step.kind === 'said') last.say.push(step.text);
		else if (last && !begun && step.kind === 'exchange') last.exchange = step;
		else made.push({
			say: step.kind === 'said' ? [step.text] : [],
			exchange: step.kind === 'exchange' ? step : null,
			findings: step.kind === 'finding' ? [step] : [],
		});
	}
	return made;
}

/** @param {Tick} tick */
const keyOf = ({ say, exchange, findings }) =>
	exchange ? `${exchange.who} ${exchange.request.split('\n', 1)}` : [...say, ...findings.map(({ by }) => by)].join('\n');

/** The longest common subsequence of both, with what only one side has in its place. @param {Tick[]} here @param {Tick[]} weakened @returns {Row[]} */
export function align(here, weakened) {
	const [left, right] = [here.map(keyOf), weakened.map(keyOf)];
	const common = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
	/** @param {number} i @param {number} j */
	const at = (i, j) => common[i]?.[j] ?? 0;
	for (let i = left.length - 1; i >= 0; i -= 1)
		for (let j = right.length - 1; j >= 0; j -= 1)
			/** @type {Uint16Array} */ (common[i])[j] = left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
	/** @type {Row[]} */ const rows = [];
	let [i, j] = [0, 0];
	while (i < left.length || j < right.length) {
		const both = i < left.length && left[i] === right[j];
		const onlyHere = !both && (j >= right.length || (i < left.length && at(i + 1, j) >= at(i, j + 1)));
		const onlyThere = !both && !onlyHere;
		rows.push({ here: onlyThere ? null : here[i] ?? null, weakened: onlyHere ? null : weakened[j] ?? null });
		if (!onlyThere) i += 1;
		if (!onlyHere) j += 1;
	}
	return rows;
}

/** @param {Tick | null} tick */
const fell = (tick) => Boolean(tick?.findings.some(({ held }) => !held));

/** The first row in which a defense holds on one side alone, or else in which the answers differ; -1 without one. @param {Row[]} rows */
export function parting(rows) {
	const found = rows.findIndex(({ here, weakened }) => weakened && fell(here) !== fell(weakened));
	return found >= 0 ? found : rows.findIndex(({ here, weakened }) => here?.exchange?.status !== weakened?.exchange?.status);
}
