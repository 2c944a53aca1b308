"""Questions about rules and traffic. Read `explain` first."""
