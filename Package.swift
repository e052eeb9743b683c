// swift-tools-version: 6.2
import PackageDescription

// The rooms of the house, bottom to top. Dependencies point down only:
//
//   GantryCLI  >  Gantry  >  MarlinLink, PrusaConnect, BoardIO  >  GCodeStream, CModules
//
// MarlinLink, PrusaConnect and BoardIO do not know each other, and GCodeStream imports nothing at all.
// Simulators stands beside the house: it plays the printer and the Connect server for the demo, the
// benchmark and the tests, and knows none of the code that it is there to try.

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "gantry",
    products: [
        .executable(name: "gantry", targets: ["GantryCLI"]),
        .executable(name: "gantry-bench", targets: ["GantryBench"]),
        .executable(name: "gantry-board", targets: ["BoardProbe"]),
        .library(name: "GCodeStream", targets: ["GCodeStream"]),
        .library(name: "MarlinLink", targets: ["MarlinLink"]),
        .library(name: "PrusaConnect", targets: ["PrusaConnect"]),
        .library(name: "BoardIO", targets: ["BoardIO"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", "3.0.0"..<"5.0.0"),
    ],
    targets: [
        // C: what Swift cannot import, and nothing else.
        .target(name: "CSerial", path: "CModules/CSerial"),
        // dlopen lives in libdl before glibc 2.34.
        .target(name: "CCurl", path: "CModules/CCurl", linkerSettings: [.linkedLibrary("dl")]),
        .systemLibrary(
            name: "CGpiodSystem", path: "CModules/CGpiodSystem", pkgConfig: "libgpiod",
            providers: [.apt(["libgpiod-dev"])]),
        .target(
            name: "CGpiod", dependencies: ["CGpiodSystem"], path: "CModules/CGpiod",
            linkerSettings: [.linkedLibrary("gpiod")]),
        .systemLibrary(
            name: "CUdev", path: "CModules/CUdev", pkgConfig: "libudev", providers: [.apt(["libudev-dev"])]),

        // The hot path: a pure state machine.
        .target(name: "GCodeStream", swiftSettings: [.strictMemorySafety()]),

        // Three rooms that do not know each other.
        .target(name: "MarlinLink", dependencies: ["GCodeStream", "CSerial"]),
        .target(name: "PrusaConnect", dependencies: ["CCurl", crypto]),
        .target(name: "BoardIO", dependencies: ["CGpiod", "CUdev"]),

        // The board by hand: for trying a wiring, and for the rig in hardware/vm.
        .executableTarget(name: "BoardProbe", dependencies: ["BoardIO"]),

        // The benchmark: the printer and two hosts in C, and a malloc that counts. Nothing else may link these.
        .target(name: "CAllocationCounter", path: "CModules/CAllocationCounter"),
        .target(name: "CBench", dependencies: ["CAllocationCounter"], path: "CModules/CBench"),
        .executableTarget(name: "GantryBench", dependencies: ["MarlinLink", "CBench", "CAllocationCounter"]),

        // The bridge and the command line.
        .target(name: "Gantry", dependencies: ["GCodeStream", "MarlinLink", "PrusaConnect", "BoardIO", logging]),
        .executableTarget(
            name: "GantryCLI",
            dependencies: ["Gantry", "MarlinLink", "PrusaConnect", "BoardIO", "Simulators", arguments, logging]),

        // The other side of both wires.
        .target(name: "Simulators", dependencies: ["CSerial", crypto]),

        .testTarget(name: "GCodeStreamTests", dependencies: ["GCodeStream", "Simulators"]),
        .testTarget(name: "MarlinLinkTests", dependencies: ["MarlinLink", "GCodeStream", "Simulators", "CSerial"]),
        .testTarget(
            name: "PrusaConnectTests", dependencies: ["PrusaConnect"], resources: [.copy("Fixtures")]),
        .testTarget(name: "BoardIOTests", dependencies: ["BoardIO"]),
        .testTarget(name: "GantryTests", dependencies: ["Gantry", "Simulators"]),
        .testTarget(name: "GantryCLITests", dependencies: ["GantryCLI", "Simulators", "CSerial"]),
        .testTarget(name: "SimulatorsTests", dependencies: ["Simulators", "CSerial"], exclude: ["Fixtures"]),
    ],
    swiftLanguageModes: [.v6]
)
