//! Spans inside each other. What is asked of all of them is found in linear time, however deep they are.

/// Where each span lies among others: those inside a span follow it without a gap.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    /// The places of the spans, each after that of its parent.
    pub(super) order: Vec<usize>,
    /// The number of each span, and the number after the last one inside.
    ranges: Vec<(usize, usize)>,
}

impl Nesting {
    /// Of spans without circles.
    pub(super) fn of(parents: &[Option<usize>]) -> Self {
        let order = outermost_first(parents);
        let mut sizes = vec![1; parents.len()];
        for &i in order.iter().rev() {
            if let Some(parent) = parents[i] {
                sizes[parent] += sizes[i];
            }
        }
        let mut roots = 0;
        let mut free = vec![0; parents.len()];
        let mut ranges = vec![(0, 0); parents.len()];
        for &i in &order {
            let next = match parents[i] {
                Some(parent) => &mut free[parent],
                None => &mut roots,
            };
            let own = *next;
            *next += sizes[i];
            ranges[i] = (own, own + sizes[i]);
            free[i] = own + 1;
        }
        Self { order, ranges }
    }

    pub(super) fn is_inside(&self, i: usize, outer: usize) -> bool {
        let (first, end) = self.ranges[outer];
        let (own, _) = self.ranges[i];
        first < own && own < end
    }

    /// The nearest of the spans around each for which this holds.
    pub(super) fn nearest(
        &self,
        parents: &[Option<usize>],
        is_one: impl Fn(usize) -> bool,
    ) -> Vec<Option<usize>> {
        let mut nearest = vec![None; parents.len()];
        for &i in &self.order {
            nearest[i] = parents[i].and_then(|at| if is_one(at) { Some(at) } else { nearest[at] });
        }
        nearest
    }

    /// Spans that can be counted inside others.
    pub(super) fn numbers(&self, spans: impl Iterator<Item = usize>) -> Numbers {
        let mut numbers: Vec<usize> = spans.map(|i| self.ranges[i].0).collect();
        numbers.sort_unstable();
        Numbers(numbers)
    }

    /// How many of some spans lie inside span `i`.
    pub(super) fn count_inside(&self, of: &Numbers, i: usize) -> usize {
        let (first, end) = self.ranges[i];
        let before = |number: usize| of.0.partition_point(|one| *one < number);
        before(end) - before(first + 1)
    }
}

/// The numbers of some spans, in their order.
#[derive(Debug, Default)]
pub(super) struct Numbers(Vec<usize>);

/// The spans around one, innermost first.
pub(super) fn around(parents: &[Option<usize>], i: usize) -> impl Iterator<Item = usize> + '_ {
    std::iter::successors(parents[i], |&at| parents[at]).inspect(|_| count_step())
}

/// The places of a forest, each after that of its parent.
fn outermost_first(parents: &[Option<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(parents.len());
    let mut done = vec![false; parents.len()];
    let mut chain = Vec::new();
    for i in 0..parents.len() {
        if done[i] {
            continue;
        }
        chain.push(i);
        chain.extend(around(parents, i).take_while(|&at| !done[at]));
        for at in chain.drain(..).rev() {
            done[at] = true;
            order.push(at);
        }
    }
    order
}

#[cfg(not(test))]
fn count_step() {}

#[cfg(test)]
use super::tests::steps::count_step;
