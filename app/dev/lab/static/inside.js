/** The page's own script: it is logged in, and holds the token as every page does. */

import { refresh } from '/static/js/session.js';

await refresh();
dispatchEvent(new Event('inside'));
