/** Starts what the page at hand needs. */

import { account } from './account.js';
import { find } from './forms.js';
import { startLogin, startRegister } from './login.js';
import { password } from './password.js';
import { sessions } from './sessions.js';
import { show, start } from './shell.js';

const form = /** @type {HTMLFormElement} */ (find('form[data-form]'));
if (form?.dataset.form === 'login') startLogin(form);
if (form?.dataset.form === 'register') startRegister(form);
start({ account, sessions, password });
if (find('#content')) show(location.pathname);
