"""A plan for what somebody wants to do: one ordered checklist out of a goal and the goals that its steps are."""
