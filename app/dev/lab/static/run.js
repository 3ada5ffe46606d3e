/** A finished run, as it was. */

import { find } from '/static/js/dom.js';
import { finished } from './api.js';
import { SIDES, clock } from './clock.js';
import { sentence } from './view.js';

const place = find('.clocks');
const say = find('.progress');

try {
	const run = await finished(place.dataset.run);
	const shown = clock(place, 'From a program', place.dataset.line);
	for (const side of SIDES) {
		for (const [at, step] of run[side].steps.entries()) shown.add(side, at, step);
		shown.end(side, run[side]);
	}
	say.textContent = SIDES.map((side) => sentence(side, run[side].verdict)).join(' ');
} catch (error) {
	say.textContent = /** @type {Error} */ (error).message;
}
