"""What can be tried with the mail that an account sends."""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry

MAIL_THREATS: Final = (
    Entry(
        slug="scanned-links",
        name="A mail scanner that opens the link",
        short="Scanned links",
        stopped_by="A GET changes nothing",
        remains="Scanners that send forms",
        attack="A scanner of the mail provider follows each link before the owner does, and some "
        "run the page's script: a link that acts when it is opened is used up, or acts for "
        "whoever caused the mail.",
        needs="A mailbox behind such a scanner, which is common at companies.",
        defense="Opening a link changes nothing. It shows a page with a button, and the person's "
        "POST acts. The token is taken out of the address bar.",
        detail="app/pages/mailed_links.py keeps the token in the signed session and leads on; "
        "GET and HEAD of the pages only look (app/auth/reset.py check_reset).",
        code=("app/pages/mailed_links.py:opened", "app/auth/reset.py:check_reset"),
        gap="A scanner that fills in and sends forms. Whoever reads the owner's mail can reset "
        "the password; the owner is told.",
        standards=("ASVS 6.4.3",),
        proofs=("tests/http/test_link_pages.py", "tests/http/test_reset.py"),
        line=(
            'session[_key(path)] = token if parse(token) else ""',
            'return render_template("pages/open_link.html", path=path)',
        ),
        without=("use_up(token)  # whoever opens the link has acted",),
        steps=(
            ("server", "owner", "mails a link", "live"),
            ("thief", "server", "a scanner opens it first", "thief"),
            ("server", "thief", "a page with a button", "safe"),
            ("server", "server", "the link is still good", "safe"),
            ("owner", "server", "opens it and presses the button", "live"),
            ("server", "owner", "done", "safe"),
        ),
    ),
    Entry(
        slug="stale-links",
        name="A mailed link from before a change",
        short="Stale links",
        stopped_by="Once, an hour, same password",
        remains="A fresh link, read by others",
        attack="An old link is found in a mailbox, a backup or a copy of the database, or is "
        "altered to be one for another message, and sets a new password.",
        needs="A link that was mailed some time ago, or the rows of the outbox.",
        defense="A link works once and for an hour, and is dead as soon as the password or the "
        "address has changed since. Nothing that opens anything is stored: the token is made when "
        "the message is sent.",
        detail="app/mail/links.py makes an HMAC over the message and the state of the account; "
        "app/mail/link_queries.py spends a link by one conditional UPDATE.",
        code=("app/mail/links.py:Links.is_valid", "app/mail/link_queries.py:spend"),
        gap="A fresh link in a mailbox that somebody else reads. The links of notices work for "
        "seven days whatever has changed; they end sessions and set nothing.",
        standards=("ASVS 6.4.1", "ASVS 6.4.3"),
        proofs=(
            "tests/unit/mail/test_links.py",
            "tests/http/test_reset.py",
            "tests/http/test_secure.py",
        ),
        line=("return hmac.compare_digest(_mac(key, mail, user, link.made_at), link.mac)",),
        without=("return mail.token == link.token  # as long as the row is there",),
        steps=(
            ("server", "owner", "mails a link to reset the password", "live"),
            ("owner", "server", "changes the password", "live"),
            ("thief", "owner", "finds the old link in the mailbox", "thief"),
            ("thief", "server", "opens it", "thief"),
            ("server", "server", "made for another password", "safe"),
            ("server", "thief", "400 invalid_link", "safe"),
        ),
    ),
    Entry(
        slug="mail-flooding",
        name="Filling somebody's mailbox",
        short="Mail flood",
        stopped_by="Counted by address",
        remains="Six messages a day",
        attack="New passwords are asked for again and again in somebody's name, until their "
        "mailbox is full of messages, or the one that matters is not seen.",
        needs="The address of the victim.",
        defense="An address gets three messages of a kind an hour and six a day; one without an "
        "account gets one note a day. Over that the answer is the same, and nothing is sent.",
        detail="app/infra/throttle.py counts by address before the account is read, and networks "
        "as at the log-in; what is not sent is stored all the same, so that time tells nothing.",
        code=("app/infra/throttle.py:Throttle.mail", "app/infra/throttle.py:Throttle.note"),
        gap="Six messages of each kind a day, from as many networks as one has.",
        standards=("ASVS 2.4.1",),
        proofs=("tests/http/test_reset.py", "tests/unit/infra/test_throttle_mail.py"),
        line=(
            'return self._with_fallback(counts.hit, Bucket(f"mail_{kind}", address, MAILS)) is None',  # noqa: E501 - as in the source
        ),
        without=("return True",),
        steps=(
            ("thief", "server", "asks for a reset of the owner's", "thief"),
            ("server", "owner", "mails it, three an hour at most", "plain"),
            ("thief", "server", "asks again and again", "thief"),
            ("server", "server", "stored, not sent", "safe"),
            ("server", "thief", "the same answer as before", "safe"),
        ),
    ),
    Entry(
        slug="hostile-host",
        name="A link that leads to the attacker",
        short="Hostile host",
        stopped_by="Links begin with PUBLIC_URL",
        remains="A PUBLIC_URL set wrong",
        attack="A link for a new password is asked for in the victim's name with a Host header of "
        "the attacker's. A server that makes links of that header mails the token's way to them.",
        needs="The address of the victim, and a click on the link.",
        defense="Links are made of PUBLIC_URL alone. A request for another host is refused before "
        "anything is read.",
        detail="app/mail/wording.py takes its URLs from the settings; app/web/origin.py compares "
        "Host first, and nothing reads X-Forwarded-Host.",
        code=(
            "app/mail/wording.py:Site",
            "app/web/origin.py:install",
        ),
        gap="A PUBLIC_URL that is set wrong.",
        standards=("RFC 9110 7.2",),
        proofs=("tests/http/test_hosts.py", "tests/unit/mail/test_sender.py"),
        line=(
            'return Link(label, f"{self.public_url}{path}" + (f"?token={token}" if token else ""))',  # noqa: E501 - as in the source
        ),
        without=('return Link(label, f"https://{request.host}{path}?token={token}")',),
        steps=(
            ("thief", "server", "a reset, with Host: evil.example", "thief"),
            ("server", "server", "not our host: refused first", "safe"),
            ("server", "thief", "421", "safe"),
            ("server", "owner", "mails only links of PUBLIC_URL", "safe"),
        ),
    ),
    Entry(
        slug="account-squatting",
        name="Occupying somebody's address",
        short="Squatted address",
        stopped_by="No account before the link",
        remains="Whoever reads the owner's mail",
        attack="An account is opened for an address before its owner does, with a password of the "
        "attacker's. When the owner comes and uses it, the attacker is in it too.",
        needs="The address of somebody who has no account yet.",
        defense="An address is registered first, and proven by a mailed link; only then is there "
        "an account, with the password of whoever opened the link.",
        detail="app/auth/register.py writes no row in users before a link is used; the link is "
        "for its address alone.",
        code=("app/auth/register.py:request_registration", "app/mail/links.py:Links.is_valid"),
        gap="Whoever reads the owner's mail.",
        standards=("ASVS 6.3.8", "ASVS 6.4.1"),
        proofs=("tests/http/test_registration.py", "tests/http/test_registration_links.py"),
        line=("asked_mail.answer(auth, kind, address, client, user, is_due=is_due)",),
        without=("accounts.insert(connection, User(new_id(), address, hashed))",),
        steps=(
            ("thief", "server", "registers the owner's address", "thief"),
            ("server", "server", "no account, only a message", "safe"),
            ("server", "owner", "mails the link to the owner", "live"),
            ("owner", "server", "opens it, chooses a password", "live"),
            ("server", "owner", "now there is an account", "safe"),
        ),
    ),
)
