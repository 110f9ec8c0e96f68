"""Pure authority: nouns, rules, decisions and signed grants."""
