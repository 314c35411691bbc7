"""The demonstration: markets on invented news, people who log in, bots that trade. All labelled."""
