//! Logistic regression with one step size per weight (AdaGrad): a few dozen
//! passes over some ten thousand texts take seconds and need no library. Some models
//! that each see other parts of the texts are averaged: so no feature can lean on a
//! few others, and texts of unknown kinds are judged better. The average is one
//! table, as quick as each of them.

use alfred_filters::guard::injection::features::{Sink, WEIGHTS, visit};

use super::templates::below;

const PASSES: usize = 25;
const RATE: f32 = 0.4;
const SHRINK: f32 = 2e-6;
/// How many models are averaged.
const MODELS: u64 = 6;
/// How many of ten features of a text a model sees in a pass.
const SEEN: usize = 6;

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

/// The bias and the weights: the mean of some models.
pub(crate) fn train(examples: &[Example]) -> (f32, Vec<f32>) {
    let part = 1.0 / MODELS as f32;
    let mut mean = (0.0, vec![0.0_f32; WEIGHTS]);
    for seed in 1..=MODELS {
        let model = one(examples, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mean.0 += part * model.bias;
        for (sum, weight) in mean.1.iter_mut().zip(model.weights) {
            *sum += part * weight;
        }
    }
    mean
}

/// A model that is being trained.
struct Model {
    bias: f32,
    bias_square: f32,
    weights: Vec<f32>,
    squares: Vec<f32>,
}

/// Trains one model; `state` is not 0.
fn one(examples: &[Example], mut state: u64) -> Model {
    let mut model = Model {
        bias: 0.0,
        bias_square: 1.0,
        weights: vec![0.0; WEIGHTS],
        squares: vec![1e-4; WEIGHTS],
    };
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut features = Vec::new();
    for _ in 0..PASSES {
        shuffle(&mut order, &mut state);
        for example in order.iter().filter_map(|&place| examples.get(place)) {
            features.clear();
            let seen = example.features.iter();
            features.extend(seen.filter(|_| below(&mut state, 10) < SEEN).copied());
            model.learn(&features, example);
        }
    }
    model
}

impl Model {
    /// A step towards what an example is, by these of its features.
    fn learn(&mut self, features: &[u32], example: &Example) {
        let norm = 1.0 / (features.len().max(1) as f32).sqrt();
        let sum: f32 = features
            .iter()
            .filter_map(|&index| self.weights.get(index as usize))
            .sum();
        let margin = self.bias + sum * norm;
        let target = f32::from(u8::from(example.attack));
        let slope = example.weight * (1.0 / (1.0 + (-margin).exp()) - target);
        self.bias_square += slope * slope;
        self.bias -= RATE * slope / self.bias_square.sqrt();
        let slope = slope * norm;
        for &index in features {
            let at = index as usize;
            if let (Some(weight), Some(square)) =
                (self.weights.get_mut(at), self.squares.get_mut(at))
            {
                let slope = slope + SHRINK * *weight;
                *square += slope * slope;
                *weight -= RATE * slope / square.sqrt();
            }
        }
    }
}

/// Another order, the same in every run.
fn shuffle(order: &mut [usize], state: &mut u64) {
    for last in (1..order.len()).rev() {
        order.swap(last, below(state, last + 1));
    }
}
