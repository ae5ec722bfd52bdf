#!/bin/bash
# Trains on the nodes of a Slurm job, with all GPUs that it has there:
#
#     RECORDS=/shared/yt8m/frame TRAIN_DIR=/shared/models/dsgmm sbatch --nodes=4 examples/slurm.sh
#
# A job that was ended, or whose time was over, is submitted again as it was, and goes on.
#SBATCH --job-name=yt8m
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --gpus-per-node=1
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@180
set -euo pipefail

export RECORDS TRAIN_DIR
: "${RECORDS:?is to be the directory of the records}"
: "${TRAIN_DIR:?is to be a directory that all nodes see}"

# "node1:port", "node2:port", …: jobs that share a node have ports of their own.
port=$((10000 + SLURM_JOB_ID % 20000))
workers=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed "s/.*/\"&:$port\"/" | paste -sd,)
export workers

# Where one task fails, the others cannot go on.
srun --kill-on-bad-exit=1 bash -c '
  task="{\"type\": \"worker\", \"index\": $SLURM_PROCID}"
  export TF_CONFIG="{\"cluster\": {\"worker\": [$workers]}, \"task\": $task}"
  exec yt8m train --strategy=multi_worker \
    --frame_features --feature_names=rgb,audio --feature_sizes=1024,128 \
    --train_data_pattern="$RECORDS/train*.tfrecord" \
    --eval_data_pattern="$RECORDS/validate*.tfrecord" \
    --model=DSGMMModel --batch_size=128 --num_epochs=5 --train_dir="$TRAIN_DIR"
'
