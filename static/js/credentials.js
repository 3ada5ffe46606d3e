/** The page with the form that logs in or registers. */

import { login, register } from './session.js';
import { find, parse } from './dom.js';
import { onFilled } from './forms.js';

const form = find('form[data-form]');
const isNew = form.dataset.form === 'register';

onFilled(form, async ({ email, password, remember, next }) => {
	if (isNew) await register({ email, password });
	const { passwordBreached } = await login({ email, password, remember: !!remember }).catch((error) => {
		if (isNew) location.assign('/login'); // the account is there, so the form would be refused now
		else if (error.status) find('#password').value = '';
		throw error;
	});
	// Only a path of this site, in printable ASCII without backslashes.
	const wanted = /^\/(?!\/)[!-[\]-~]*$/.test(next) ? next : '/account';
	await enter(passwordBreached ? '/account/password?notice=password_breached' : wanted);
});

/** Turns this document into an account page, so that the token stays. @param {string} path */
async function enter(path) {
	const [page, shell] = await Promise.all([
		fetch(path, { cache: 'no-store' }).then(parse),
		import('./shell.js'),
	]).catch(() => []);
	if (!page || !find('#content', page)) return location.assign(path);
	for (const part of ['.links', 'main']) find(part).replaceWith(find(part, page));
	history.replaceState(null, '', path);
	await shell.start(true);
}
