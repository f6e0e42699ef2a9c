//! What must come before what, and where that goes round in a circle.

/// An order in which everything comes after what it needs, and the circles that stand in the way of one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// Every place once. Where the given order is right already it is kept.
    pub(super) places: Vec<usize>,
    /// One circle of every knot, each member once, each needing the one after it and the last the first.
    pub(super) circles: Vec<Vec<usize>>,
}

/// `needs[n]` are the places that `n` needs. Follows them without recursion: a file may have a chain of thousands.
pub(super) fn order(needs: &[Vec<usize>]) -> Order {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Seen {
        Never,
        OnPath,
        Done,
    }
    let mut seen = vec![Seen::Never; needs.len()];
    let mut order = Order::default();
    for start in 0..needs.len() {
        let mut path = Vec::new();
        if seen[start] == Seen::Never {
            seen[start] = Seen::OnPath;
            path.push((start, needs[start].iter()));
        }
        while let Some((node, rest)) = path.last_mut() {
            let Some(other) = rest.next() else {
                seen[*node] = Seen::Done;
                order.places.push(*node);
                path.pop();
                continue;
            };
            match seen.get(*other) {
                Some(Seen::Never) => {
                    seen[*other] = Seen::OnPath;
                    path.push((*other, needs[*other].iter()));
                }
                Some(Seen::OnPath) => {
                    let circle = path.iter().map(|(node, _)| *node).skip_while(|node| node != other);
                    order.circles.push(circle.collect());
                }
                Some(Seen::Done) | None => {}
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(needs: &[&[usize]], places: &[usize], circles: &[&[usize]]) {
        let needs: Vec<_> = needs.iter().map(|needs| needs.to_vec()).collect();
        let found = order(&needs);
        assert_eq!(found.places, places, "{needs:?}");
        assert_eq!(found.circles, circles, "{needs:?}");
    }

    #[test]
    fn what_is_needed_comes_first_and_the_rest_stays() {
        check(&[], &[], &[]);
        check(&[&[], &[0], &[0, 1]], &[0, 1, 2], &[]);
        check(&[&[2], &[], &[]], &[2, 0, 1], &[]);
        check(&[&[1], &[2], &[3], &[]], &[3, 2, 1, 0], &[]);
        check(&[&[9], &[]], &[0, 1], &[]);
    }

    #[test]
    fn circles_are_told_with_every_member() {
        check(&[&[0]], &[0], &[&[0]]);
        check(&[&[1], &[0]], &[1, 0], &[&[0, 1]]);
        check(&[&[1], &[2], &[3], &[1]], &[3, 2, 1, 0], &[&[1, 2, 3]]);
        check(&[&[1], &[0], &[3], &[2]], &[1, 0, 3, 2], &[&[0, 1], &[2, 3]]);
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_is_no_problem() {
        let needs: Vec<_> = (1..=100_000).map(|next| vec![next]).collect();
        assert_eq!(order(&needs).places.first(), Some(&99_999));
    }
}
