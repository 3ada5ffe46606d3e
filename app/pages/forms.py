"""The forms of the pages, which work without script.

The length of a password is not checked here: the stories check it after counting the attempt.
"""

from __future__ import annotations

from typing import Final

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.accounts.emails import MAX_LENGTH, MAX_TYPED

EMAIL: Final = (
    InputRequired("Enter your e-mail address."),
    Length(max=MAX_TYPED, message=f"An e-mail address has at most {MAX_LENGTH} characters."),
)


class LogInForm(FlaskForm):  # type: ignore[misc]  # the base class is untyped
    """The form of `/login`."""

    email = StringField("E-mail", validators=EMAIL)
    password = PasswordField("Password", validators=[InputRequired("Enter your password.")])
    remember = BooleanField("Keep me logged in")


class AddressForm(FlaskForm):  # type: ignore[misc]  # the base class is untyped
    """The form of `/register` and of `/reset`."""

    email = StringField("E-mail", validators=EMAIL)


class NewPasswordForm(FlaskForm):  # type: ignore[misc]  # the base class is untyped
    """The form of `/register/finish` and of `/reset/finish`.

    It has the token of the link that its page was opened with, so that a page stays about its
    own link when the browser opens another one in another tab.
    """

    token = HiddenField()
    password = PasswordField("New password", validators=[InputRequired("Enter a password.")])


class ActForm(FlaskForm):  # type: ignore[misc]  # the base class is untyped
    """A form with a button only, and the token of the link that its page was opened with."""

    token = HiddenField()
