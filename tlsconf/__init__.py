"""One profile of TLS for mail, rendered for Postfix, Exim and Sendmail."""

__version__ = "0.1.0"
