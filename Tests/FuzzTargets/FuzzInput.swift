import TestSupport

/// The bytes of one input, taken from the front: what a target needs to choose comes first, the text or the bytes that it
/// is about last. An input that is too short is one of zeros.
struct FuzzInput {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
    }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    mutating func bytes(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    /// Up to the next separator, which is taken and left out.
    mutating func part(until separator: UInt8) -> [UInt8] {
        let part = Array(rest.prefix { $0 != separator })
        rest = rest.dropFirst(part.count + 1)
        return part
    }

    mutating func remaining() -> [UInt8] {
        defer { rest = [] }
        return Array(rest)
    }

    /// Bytes that are no UTF-8 become U+FFFD.
    mutating func remainingText() -> String { String(decoding: remaining(), as: UTF8.self) }
}

/// Traps unless the claim is true. The name is what the finding is called.
func property(_ name: @autoclosure () -> String, holds claim: Bool) {
    guard claim else { fatalError("violated: \(name())") }
}

/// What a call gives that must not throw here.
func must<T>(_ name: @autoclosure () -> String, _ body: () throws -> T) -> T {
    do {
        return try body()
    } catch {
        fatalError("violated: \(name()): \(error)")
    }
}

/// The value of a call, or nil where it throws.
func attempt<T>(_ body: () throws -> T) -> T? {
    do {
        return try body()
    } catch {
        return nil
    }
}

extension Collection where Element == UInt8 {
    /// Cut at places that the seed chooses: mostly into a few bytes each, as a slow network would.
    func pieces(seed: UInt8) -> [[UInt8]] {
        var random = SeededRandom(seed: UInt64(seed))
        var pieces: [[UInt8]] = []
        var rest = self[...]
        while !rest.isEmpty {
            let count = random.chance(0.8) ? random.int(1..<9) : random.int(1..<400)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return pieces
    }
}
