/// The question which subscriptions a change concerns.
extension ChannelIndex {
    mutating func match(
        _ judge: Judge, _ body: (FrameClass, Verdict, UnsafeBufferPointer<SubscriptionSlot>) -> Void
    ) {
        terms.begin(judge)
        defer { terms.end() }
        terms.listAccesses()
        // Judging lists more terms, under which nothing is to be looked for.
        let found = terms.listed.count
        for place in 0..<found {
            for filing in terms.terms.address(terms.listed[place]).pointee.filed.elements {
                // Filed in several places it may be found in several, and is judged once.
                if conditions.address(filing.condition).pointee.access.count > 1 {
                    gathering.repeated.append(filing.condition)
                } else {
                    judgeAndGather(filing.condition, judge.rule)
                }
            }
        }
        gathering.repeated.sort()
        var last: Index?
        for place in gathering.repeated.indices where gathering.repeated[place] != last {
            last = gathering.repeated[place]
            judgeAndGather(gathering.repeated[place], judge.rule)
        }
        for place in scanned.indices { judgeAndGather(scanned[place], judge.rule) }
        gathering.forEach(groups, body)
        gathering.clear()
    }

    /// What the change is to the subscriptions of one group.
    mutating func verdict(ofGroup group: Index, _ judge: Judge) -> Verdict? {
        terms.begin(judge)
        defer { terms.end() }
        return verdict(groups[group].condition, judge.rule)
    }

    /// The same for as many groups as `body` asks for.
    mutating func verdicts(_ judge: Judge, _ body: (_ ofGroup: (Index) -> Verdict?) -> Void) {
        terms.begin(judge)
        defer { terms.end() }
        body { verdict(groups[$0].condition, judge.rule) }
    }

    @inline(__always)
    private mutating func judgeAndGather(_ condition: Index, _ rule: Judge.Rule) {
        guard let verdict = verdict(condition, rule) else { return }
        var group = conditions[condition].firstGroup
        while group != Index.max {
            let row = groups.address(group)
            gathering.add(group, row.pointee.frameClass, verdict, count: Int(row.pointee.slots.count))
            group = row.pointee.following
        }
    }

    @inline(__always)
    private mutating func verdict(_ condition: Index, _ rule: Judge.Rule) -> Verdict? {
        let words = ConditionRow.words(conditions.address(condition))
        guard !words.isEmpty else { return .event }
        let holds = terms.holds(words)
        return rule.verdict(before: holds.before, after: holds.after)
    }
}
