"""The two forms that work without script.

The use cases refuse a password that is too long; the attempt is counted before.
"""

from __future__ import annotations

from typing import Final

from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.accounts.emails import MAX_LENGTH, MAX_TYPED

EMAIL: Final = (
    InputRequired("Enter your e-mail address."),
    Length(max=MAX_TYPED, message=f"An e-mail address has at most {MAX_LENGTH} characters."),
)


class RegisterForm(FlaskForm):  # type: ignore[misc]  # the base class is untyped
    """Register."""

    email = StringField("E-mail", validators=EMAIL)
    password = PasswordField("Password", validators=[InputRequired("Enter a password.")])


class LogInForm(FlaskForm):  # type: ignore[misc]  # the base class is untyped
    """Log in."""

    email = StringField("E-mail", validators=EMAIL)
    password = PasswordField("Password", validators=[InputRequired("Enter your password.")])
    remember = BooleanField("Keep me logged in")
