"""The mailbox of development: what the application has sent, as a page and as JSON.

It reads the folder into which `app.mail.folder.Folder` writes. It exists in development only.
"""
