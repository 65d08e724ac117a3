/// Intervals of terms, many trees in one table: which of them hold a point is found in logarithmic time, beside those
/// that do, and so are inserting and removing.
///
/// A treap in the order of the lower bounds; each node knows the largest upper bound below it. Owned by one loop.
struct IntervalTree: ~Copyable {
    typealias Index = UInt32

    static let none = Index.max

    private struct Node: BitwiseCopyable {
        var low = 0.0
        var high = 0.0
        /// The largest `high` here and below.
        var highest = 0.0
        var left = IntervalTree.none
        var right = IntervalTree.none
        /// Not below any of a child. Drawn, so that nobody can choose bounds that make the tree a list.
        var priority: UInt32 = 0
        var term: UInt32 = 0
    }

    private var nodes = Rows<Node>(empty: Node())
    private var random = SystemRandomNumberGenerator()

    var bytes: Int { nodes.bytes }

    mutating func insert(_ term: UInt32, _ span: ClosedRange<Double>, into root: inout Index) {
        let node = nodes.allocate()
        nodes[node] = Node(
            low: span.lowerBound, high: span.upperBound, highest: span.upperBound,
            priority: UInt32.random(in: 0 ... .max, using: &random), term: term)
        root = inserting(node, under: root)
    }

    /// The interval was inserted with these bounds.
    mutating func remove(_ term: UInt32, _ span: ClosedRange<Double>, from root: inout Index) {
        root = removing(term, span.lowerBound, under: root)
    }

    /// Calls `body` with the term of each interval that has a point in common with `points`.
    func forEach(meeting points: ClosedRange<Double>, under root: Index, _ body: (UInt32) -> Void) {
        guard root != Self.none, nodes[root].highest >= points.lowerBound else { return }
        let node = nodes[root]
        forEach(meeting: points, under: node.left, body)
        guard node.low <= points.upperBound else { return }
        if node.high >= points.lowerBound { body(node.term) }
        forEach(meeting: points, under: node.right, body)
    }

    private func isBefore(_ node: Index, _ low: Double, _ term: UInt32) -> Bool {
        nodes[node].low < low || (nodes[node].low == low && nodes[node].term < term)
    }

    private func update(_ node: Index) {
        var highest = nodes[node].high
        for child in [nodes[node].left, nodes[node].right] where child != Self.none {
            highest = max(highest, nodes[child].highest)
        }
        nodes[node].highest = highest
    }

    private func inserting(_ node: Index, under root: Index) -> Index {
        guard root != Self.none else { return node }
        let (low, term) = (nodes[node].low, nodes[node].term)
        if nodes[node].priority > nodes[root].priority {
            let (left, right) = split(root, low, term)
            nodes[node].left = left
            nodes[node].right = right
            update(node)
            return node
        }
        if isBefore(root, low, term) {
            nodes[root].right = inserting(node, under: nodes[root].right)
        } else {
            nodes[root].left = inserting(node, under: nodes[root].left)
        }
        update(root)
        return root
    }

    /// What stands before the place, and the rest.
    private func split(_ root: Index, _ low: Double, _ term: UInt32) -> (Index, Index) {
        guard root != Self.none else { return (Self.none, Self.none) }
        defer { update(root) }
        if isBefore(root, low, term) {
            let (left, right) = split(nodes[root].right, low, term)
            nodes[root].right = left
            return (root, right)
        }
        let (left, right) = split(nodes[root].left, low, term)
        nodes[root].left = right
        return (left, root)
    }

    private mutating func removing(_ term: UInt32, _ low: Double, under root: Index) -> Index {
        guard root != Self.none else { preconditionFailure("an interval that is removed was inserted") }
        if nodes[root].term == term, nodes[root].low == low {
            let joined = joined(nodes[root].left, nodes[root].right)
            nodes.release(root)
            return joined
        }
        if isBefore(root, low, term) {
            nodes[root].right = removing(term, low, under: nodes[root].right)
        } else {
            nodes[root].left = removing(term, low, under: nodes[root].left)
        }
        update(root)
        return root
    }

    private func joined(_ left: Index, _ right: Index) -> Index {
        guard left != Self.none else { return right }
        guard right != Self.none else { return left }
        if nodes[left].priority > nodes[right].priority {
            nodes[left].right = joined(nodes[left].right, right)
            update(left)
            return left
        }
        nodes[right].left = joined(left, nodes[right].left)
        update(right)
        return right
    }
}
