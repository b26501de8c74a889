"""The store: tables, sessions, migrations, ledger, audit."""
