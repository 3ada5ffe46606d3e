"""The two forms that work without script."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import InputRequired


class RegisterForm(FlaskForm):  # type: ignore[misc]  # the base class is untyped
    """Register."""

    email = StringField("E-mail", validators=[InputRequired("Enter your e-mail address.")])
    password = PasswordField("Password", validators=[InputRequired("Enter a password.")])


class LogInForm(FlaskForm):  # type: ignore[misc]  # the base class is untyped
    """Log in."""

    email = StringField("E-mail", validators=[InputRequired("Enter your e-mail address.")])
    password = PasswordField("Password", validators=[InputRequired("Enter your password.")])
    remember = BooleanField("Keep me logged in")
