//! Logistic regression with one step size per weight (AdaGrad): a few dozen
//! passes over a few thousand texts take seconds and need no library.

use alfred_filters::guard::injection::features::{Sink, WEIGHTS, visit};

const PASSES: usize = 25;
const RATE: f32 = 0.4;
const SHRINK: f32 = 2e-6;

/// One text to learn from.
#[derive(Clone)]
pub(crate) struct Example {
    features: Vec<u32>,
    attack: bool,
    weight: f32,
}

impl Example {
    pub(crate) fn of(text: &str, attack: bool, weight: f32) -> Example {
        struct All(Vec<u32>);
        impl Sink for All {
            fn word(&mut self, _: u32) {}
            fn feature(&mut self, index: u32) {
                self.0.push(index);
            }
        }
        let mut all = All(Vec::new());
        visit(text, &mut all);
        let mut features = all.0;
        features.sort_unstable();
        features.dedup();
        Example {
            features,
            attack,
            weight,
        }
    }
}

/// The bias and the weights.
pub(crate) fn train(examples: &[Example]) -> (f32, Vec<f32>) {
    let mut weights = vec![0.0_f32; WEIGHTS];
    let mut squares = vec![1e-4_f32; WEIGHTS];
    let (mut bias, mut bias_square) = (0.0_f32, 1.0_f32);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..PASSES {
        shuffle(&mut order, &mut state);
        for example in order.iter().filter_map(|&place| examples.get(place)) {
            let norm = 1.0 / (example.features.len().max(1) as f32).sqrt();
            let sum: f32 = example
                .features
                .iter()
                .filter_map(|&index| weights.get(index as usize))
                .sum();
            let margin = bias + sum * norm;
            let target = f32::from(u8::from(example.attack));
            let slope = example.weight * (1.0 / (1.0 + (-margin).exp()) - target);
            bias_square += slope * slope;
            bias -= RATE * slope / bias_square.sqrt();
            let slope = slope * norm;
            for &index in &example.features {
                let at = index as usize;
                if let (Some(weight), Some(square)) = (weights.get_mut(at), squares.get_mut(at)) {
                    let slope = slope + SHRINK * *weight;
                    *square += slope * slope;
                    *weight -= RATE * slope / square.sqrt();
                }
            }
        }
    }
    (bias, weights)
}

/// Another order, the same in every run.
fn shuffle(order: &mut [usize], state: &mut u64) {
    for last in (1..order.len()).rev() {
        order.swap(last, below(state, last + 1));
    }
}

/// A number below `end` (xorshift).
pub(crate) fn below(state: &mut u64, end: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as usize % end.max(1)
}
