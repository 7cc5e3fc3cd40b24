//! Instructions that try to take over, by heuristics and a small linear model.
