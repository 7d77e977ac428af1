"""Stand-ins for what the project manages, so that it can be run and tested on one machine."""
