// SPDX-License-Identifier: Apache-2.0

// Package console reads the console blocks of a Markdown document and runs them in a shell, comparing what is printed
// with what the document says, so that the document cannot drift from the program.
//
// A block is fenced by ```console. In it a line that starts with "$ " is a command, lines that start with "> " continue
// it, and what follows up to the next command is what it prints. In that text an ellipsis (…) stands for anything within a
// line, a line with nothing but an ellipsis stands for any lines, and runs of spaces are equal. A command with nothing below
// it must only succeed. A text that starts with "error" or "Error" is expected of a command that fails.
//
// Where a document shows several ways to the same end, such as two ways to install, each block of a way is fenced by
// ```console and the way's name, and one run takes those of one way.
package console
