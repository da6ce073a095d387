//! Built-in rule-based advisors: the baselines that language models will have to beat.
