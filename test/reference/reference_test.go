// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"metallb.io/metallb/plugin/command"
)

func TestEachCommandSaysWhatItSaysWithHelp(t *testing.T) {
	t.Parallel()
	run := func(*cobra.Command, []string) {}
	root := &cobra.Command{Use: "paint"}
	root.PersistentFlags().Bool("dry", false, "use no paint")
	mix := &cobra.Command{Use: "mix COLOUR...", Short: "Mix colours", Long: "Mix colours until they\nare one.", Example: "  paint mix red", Run: run}
	mix.Flags().StringP("filename", "f", "", "take them from here")
	wash := &cobra.Command{Use: "wash", Short: "Wash", Run: run}
	root.AddCommand(wash, mix, &cobra.Command{Use: "secret", Short: "Not told", Hidden: true, Run: run})
	want := preface + "- [paint mix](#paint-mix): Mix colours\n- [paint wash](#paint-wash): Wash\n\n" +
		"## paint mix\n\n```text\nMix colours until they\nare one.\n\nUsage:\n  paint mix COLOUR... [flags]\n\nExamples:\n  paint mix red\n\n" +
		"Flags:\n  -f, --filename string   take them from here\n```\n\n" +
		"## paint wash\n\n```text\nWash\n\nUsage:\n  paint wash\n```\n\n" +
		"## Flags of all commands\n\n```text\n      --dry   use no paint\n```\n"
	if diff := cmp.Diff(want, Page(root)); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}

func TestThePageIsUpToDate(t *testing.T) {
	t.Parallel()
	written, err := os.ReadFile("../../docs/kubectl-metallb.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(written), Page(command.New(os.Getenv, genericiooptions.IOStreams{}))); diff != "" {
		t.Errorf("'make reference' writes it (-written +program):\n%s", diff)
	}
}
